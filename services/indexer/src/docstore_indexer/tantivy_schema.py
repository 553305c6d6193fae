"""How a file lies in a Tantivy index: fields, analyzers, and the way from one to the other."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePosixPath

import tantivy

from docstore_indexer.engine import IndexedDocument
from docstore_indexer.plain_text import clean

SCHEMA_VERSION = 2
EXCERPT_CHARS = 200_000
_PREFIX_CHARS = 32
_NAME_TOKENS = 64
_WORDS = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    .filter(tantivy.Filter.lowercase())
    .filter(tantivy.Filter.ascii_fold())
    .build()
)


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
    """Numbers are signed: an int given to an unsigned field can end the writer without a useful error."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("file_id", stored=True, tokenizer_name="raw", index_option="basic")
    for terms in ("readers", "tags", "types", "name_prefixes", "name_words", "whole_name"):
        builder.add_text_field(terms, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("name", tokenizer_name="stemmed")
    builder.add_text_field("text", tokenizer_name="stemmed")
    builder.add_bytes_field("excerpt", stored=True)
    builder.add_integer_field("version", stored=True)
    builder.add_integer_field("modified_at", indexed=True, fast=True)
    return builder.build()


SCHEMA = _build()


def open_index(folder: Path) -> tantivy.Index:
    """The index in `folder`, made if it is empty. Raises ValueError if it can't be read."""
    index = tantivy.Index(SCHEMA, path=str(folder))
    index.register_tokenizer("stemmed", STEMMED)
    index.config_reader("manual")
    return index


def normal(text: str) -> str:
    """One form for characters that look alike (Unicode NFKC), nothing that can't be written."""
    return unicodedata.normalize("NFKC", clean(text))


def name_words(name: str) -> list[str]:
    """The words of a name, without case and accents: letters and digits between anything else."""
    return _WORDS.analyze(normal(name))[:_NAME_TOKENS]


def whole_name(name: str) -> str:
    return " ".join(name_words(name))


def prefix_of(word: str) -> str:
    """The term under which every word that begins with `word` is found (by its first 32 characters)."""
    return word[:_PREFIX_CHARS]


def owner_term(account_id: str) -> str:
    """Among the readers, which of them the owner is."""
    return f"owner:{account_id}"


def tag_term(tag: str) -> str:
    return normal(tag).casefold().strip()


def type_term(value: str) -> str:
    return normal(value).partition(";")[0].strip().lower().removeprefix(".").removesuffix("/*")


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000 + moment.microsecond


def to_document(source: IndexedDocument) -> tantivy.Document:
    """As it is written; text is kept for snippets up to EXCERPT_CHARS and indexed as a whole."""
    document = tantivy.Document()
    document.add_text("file_id", source.file_id)
    words = name_words(source.name)
    terms = {
        "readers": (*source.readers, owner_term(source.owner_id)),
        "tags": map(tag_term, source.tags),
        "types": _type_terms(source),
        "name_prefixes": {word[:length] for word in words for length in range(1, min(len(word), _PREFIX_CHARS) + 1)},
        "name_words": words,
        "whole_name": (" ".join(words),),
        "name": (normal(source.name),),
    }
    for field, values in terms.items():
        for value in values:
            document.add_text(field, value)
    if source.text is not None:
        document.add_text("text", normal(source.text))
        document.add_bytes("excerpt", clean(source.text[:EXCERPT_CHARS]).encode())
    document.add_integer("version", source.version)
    document.add_integer("modified_at", microseconds(source.modified_at))
    return document


def _type_terms(source: IndexedDocument) -> Iterable[str]:
    media_type = type_term(source.content_type)
    extension = type_term(PurePosixPath(source.name).suffix)
    return {media_type, media_type.partition("/")[0], extension} - {""}
