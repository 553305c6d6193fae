"""Schema of Tantivy indexes: fields, analyzers and the conversion of files."""

from pathlib import Path

import tantivy

from docstore_indexer.engines.engine import IndexedDocument
from docstore_indexer.engines.terms import EXCERPT_CHARS, microseconds, normal, terms_of
from docstore_platform.security.cipher import Cipher

SCHEMA_VERSION = 4


def _stemmed() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(80))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


STEMMED = _stemmed()


def _build() -> tantivy.Schema:
    """Numbers are signed: an int in an unsigned field can end the writer without a useful error."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("file_id", stored=True, tokenizer_name="raw", index_option="basic")
    for terms in ("readers", "tags", "types", "metadata", "kind", "name_prefixes", "name_words", "whole_name"):
        builder.add_text_field(terms, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("name", tokenizer_name="stemmed")
    builder.add_text_field("text", tokenizer_name="stemmed")
    builder.add_bytes_field("excerpt", stored=True)
    builder.add_integer_field("version", stored=True)
    builder.add_integer_field("modified_at", indexed=True, fast=True)
    builder.add_integer_field("created_at", indexed=True, fast=True)
    return builder.build()


SCHEMA = _build()


def open_index(folder: Path) -> tantivy.Index:
    """Open the index in `folder`; create it if empty. ValueError if it is unreadable."""
    index = tantivy.Index(SCHEMA, path=str(folder))
    index.register_tokenizer("stemmed", STEMMED)
    index.config_reader("manual")
    return index


def to_document(source: IndexedDocument, cipher: Cipher) -> tantivy.Document:
    """Return the stored form; text is indexed in full, and stored encrypted for snippets up to EXCERPT_CHARS."""
    document = tantivy.Document()
    document.add_text("file_id", source.file_id)
    for field, values in terms_of(source).items():
        for value in values:
            document.add_text(field, value)
    if source.text is not None:
        text = normal(source.text)
        document.add_text("text", text)
        document.add_bytes("excerpt", cipher.encrypt(text[:EXCERPT_CHARS].encode(), source.file_id))
    document.add_integer("version", source.version)
    document.add_integer("modified_at", microseconds(source.modified_at))
    document.add_integer("created_at", microseconds(source.created_at))
    return document
