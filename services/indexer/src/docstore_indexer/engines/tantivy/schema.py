"""Schema of Tantivy indexes: fields, analyzers and the conversion of files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tantivy

from docstore_indexer.engines.engine import IndexedDocument
from docstore_indexer.engines.languages import EAST_ASIAN, EAST_ASIAN_CLASS, STEMMED, VARIANTS
from docstore_indexer.engines.terms import EXCERPT_CHARS, microseconds, normal, terms_of, text_fields, variant_field
from docstore_platform.security.cipher import Cipher

SCHEMA_VERSION = 6
FORMER_VERSION = 5
"""Without sizes and families. Such an index serves until a rebuild has replaced it."""


_EAST_ASIAN_TOKENS = rf"[{EAST_ASIAN_CLASS}]|[[\p{{Alphabetic}}\p{{N}}]--[{EAST_ASIAN_CLASS}]]+"


def _words(tokenizer: tantivy.Tokenizer) -> tantivy.TextAnalyzerBuilder:
    return (
        tantivy.TextAnalyzerBuilder(tokenizer)
        .filter(tantivy.Filter.remove_long(80))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
    )


def _stemmed(language: str) -> tantivy.TextAnalyzer:
    return _words(tantivy.Tokenizer.simple()).filter(tantivy.Filter.stemmer(language)).build()


ANALYZERS = {
    "stemmed": _stemmed("english"),
    **{language: _stemmed(language) for language in STEMMED},
    EAST_ASIAN: _words(tantivy.Tokenizer.regex(_EAST_ASIAN_TOKENS)).build(),
}
_USUAL = {"text": "stemmed", "name": "stemmed"}
_VARIANTS = {variant_field("text", variant): variant for variant in VARIANTS}
_VARIANTS[variant_field("name", EAST_ASIAN)] = EAST_ASIAN


@dataclass(frozen=True, slots=True)
class Layout:
    """Schema of an index, and the analyzers of its fields with text, by name."""

    schema: tantivy.Schema
    texts: Mapping[str, str]
    has_sizes: bool

    def analyzer(self, field: str) -> tantivy.TextAnalyzer:
        return ANALYZERS[self.texts[field]]


def _build(texts: Mapping[str, str], *, has_sizes: bool) -> Layout:
    """Numbers are signed: an int in an unsigned field can end the writer without a useful error."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("file_id", stored=True, tokenizer_name="raw", index_option="basic")
    for terms in ("readers", "tags", "types", "metadata", "kind", "name_prefixes", "name_words", "whole_name"):
        builder.add_text_field(terms, tokenizer_name="raw", index_option="basic")
    for field in ("name", "text"):
        builder.add_text_field(field, tokenizer_name=texts[field])
    builder.add_bytes_field("excerpt", stored=True)
    builder.add_integer_field("version", stored=True)
    builder.add_integer_field("modified_at", indexed=True, fast=True)
    builder.add_integer_field("created_at", indexed=True, fast=True)
    for field in sorted(texts.keys() - _USUAL.keys()):
        builder.add_text_field(field, tokenizer_name=texts[field])
    if has_sizes:
        builder.add_text_field("family", fast=True, tokenizer_name="raw", index_option="basic")
        builder.add_integer_field("size", fast=True)
    return Layout(builder.build(), texts, has_sizes)


LAYOUTS = {
    FORMER_VERSION: _build(_USUAL | _VARIANTS, has_sizes=False),
    SCHEMA_VERSION: _build(_USUAL | _VARIANTS, has_sizes=True),
}
"""By version of the schema."""


def open_index(folder: Path, layout: Layout) -> tantivy.Index:
    """Open the index in `folder`; create it if empty. ValueError if it is unreadable."""
    index = tantivy.Index(layout.schema, path=str(folder))
    for name, analyzer in ANALYZERS.items():
        index.register_tokenizer(name, analyzer)
    index.config_reader("manual")
    return index


def to_document(source: IndexedDocument, cipher: Cipher) -> tantivy.Document:
    """Return the stored form; text is indexed in full, and stored encrypted for snippets up to EXCERPT_CHARS.

    An index of a former layout ignores fields that it does not have.
    """
    document = tantivy.Document()
    document.add_text("file_id", source.file_id)
    for field, values in terms_of(source).items():
        for value in values:
            document.add_text(field, value)
    if source.text is not None:
        text = normal(source.text)
        for field in text_fields(text):
            document.add_text(field, text)
        document.add_bytes("excerpt", cipher.encrypt(text[:EXCERPT_CHARS].encode(), source.file_id))
    document.add_integer("version", source.version)
    document.add_integer("size", source.size)
    document.add_integer("modified_at", microseconds(source.modified_at))
    document.add_integer("created_at", microseconds(source.created_at))
    return document
