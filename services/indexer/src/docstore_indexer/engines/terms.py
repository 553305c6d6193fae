"""Search terms of a file, the same in every engine."""

import mimetypes
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath

import tantivy

from docstore_indexer.engines.engine import Family, IndexedDocument, SearchQuery, Sort
from docstore_indexer.engines.languages import (
    EAST_ASIAN,
    has_east_asian,
    inner_beginnings,
    variants_of,
    with_digraphs,
    without_digraphs,
)
from docstore_indexer.engines.query_text import MAX_CLAUSES, Clause, clauses
from docstore_indexer.extraction.plain_text import clean
from docstore_platform.domain.custom_metadata import pair_term

EXCERPT_CHARS = 200_000
"""Length of the text that is stored for snippets; the whole text is indexed."""
SORT_FIELDS: Mapping[Sort, str] = {"modified": "modified_at", "created": "created_at", "size": "size"}
_PREFIX_CHARS = 32
_NAME_TOKENS = 64
_GERMAN = "_german"
_OFFICE = (
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
    "application/vnd.ms-",
)
_DOCUMENTS = frozenset(
    f"application/{name}" for name in ("pdf", "rtf", "msword", "epub+zip", "json", "xml", "xhtml+xml", "yaml")
)
_ARCHIVES = frozenset(
    f"application/{name}"
    for name in (
        *("zip", "gzip", "zstd", "x-tar", "x-gtar", "x-gzip", "x-bzip2", "x-xz", "x-zip-compressed"),
        *("x-7z-compressed", "x-rar-compressed", "vnd.rar", "java-archive", "x-iso9660-image"),
    )
)
_RUNS = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).build()
_WORDS = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    .filter(tantivy.Filter.lowercase())
    .filter(tantivy.Filter.ascii_fold())
    .build()
)


def normal(text: str) -> str:
    """Normalize characters that look alike (Unicode NFKC) and drop those that can't be encoded."""
    return unicodedata.normalize("NFKC", clean(text))


def name_words(name: str) -> list[str]:
    """Split a name into words of letters and digits, without case and accents."""
    return _WORDS.analyze(normal(name))[:_NAME_TOKENS]


def name_spellings(text: str) -> list[set[str]]:
    """Return the words of a query for names, each with another spelling if it has umlauts."""
    return [set(pair) for pair in zip(name_words(text), name_words(with_digraphs(normal(text))), strict=False)]


def text_clauses(text: str) -> list[Clause]:
    """Return what must occur in a text: phrases, and words without punctuation, at most MAX_CLAUSES; all `normal`."""
    found: list[Clause] = []
    for clause in clauses(text):
        wanted = normal(clause.text)
        found += [Clause(wanted, True)] if clause.phrase else [Clause(word, False) for word in _RUNS.analyze(wanted)]
    return found[:MAX_CLAUSES]


def words_of(clause: Clause) -> list[str]:
    return _RUNS.analyze(clause.text)


def text_spellings(clause: Clause, field: str) -> list[str]:
    """Return a clause as it may be written in a field: German words with digraphs instead of umlauts, and back."""
    found = [clause.text, with_digraphs(clause.text)]
    if field.endswith(_GERMAN):
        found.append(without_digraphs(clause.text))
    return list(dict.fromkeys(found))


def whole_name(name: str) -> str:
    return " ".join(name_words(name))


def prefix_of(word: str) -> str:
    """Return the term that every word beginning with `word` has (by its first 32 characters)."""
    return word[:_PREFIX_CHARS]


def owner_term(account_id: str) -> str:
    """Return the term that marks the owner among the readers."""
    return f"owner:{account_id}"


def tag_term(tag: str) -> str:
    return normal(tag).casefold().strip()


def type_term(value: str) -> str:
    return normal(value).partition(";")[0].strip().lower().removeprefix(".").removesuffix("/*")


def family_of(content_type: str, name: str) -> Family:
    """Return what people would call a file of this type; of a generic one, by its name."""
    media_type = type_term(content_type)
    if media_type in ("", "application/octet-stream"):
        media_type = mimetypes.guess_type(name)[0] or ""
    half = media_type.partition("/")[0]
    if half in ("image", "video", "audio"):
        return half  # type: ignore[return-value]
    if half == "text" or media_type in _DOCUMENTS or media_type.startswith(_OFFICE):
        return "document"
    return "archive" if media_type in _ARCHIVES else "other"


def microseconds(moment: datetime) -> int:
    """Return the exact number since 1970."""
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000 + moment.microsecond


def filter_terms(query: SearchQuery) -> list[tuple[str, str]]:
    """Return the terms that a hit must have, each with its field; the reader's own is always one of them."""
    terms = [("readers", query.reader)]
    terms += [("tags", tag_term(tag)) for tag in query.tags]
    terms += [("metadata", pair_term(name, value)) for name, value in query.metadata]
    optional = {"types": query.type and type_term(query.type), "kind": query.kind}
    optional["readers"] = query.owner and owner_term(query.owner)
    return [*terms, *((field, term) for field, term in optional.items() if term is not None)]


def date_limits(query: SearchQuery) -> dict[str, tuple[int | None, int | None]]:
    """Return by field the microseconds after and before which a hit must be, if the search has such limits."""
    limits = {
        "modified_at": (query.modified_after, query.modified_before),
        "created_at": (query.created_after, query.created_before),
    }
    return {
        field: tuple(None if moment is None else microseconds(moment) for moment in each)  # type: ignore[misc]
        for field, each in limits.items()
        if each != (None, None)
    }


def terms_of(source: IndexedDocument) -> dict[str, list[str]]:
    """Return the terms of a file by field, without the words of its text."""
    words = name_words(source.name)
    beginnings = {*words, *name_words(with_digraphs(normal(source.name)))}
    beginnings |= {rest for word in words for rest in inner_beginnings(word)}
    return {
        "readers": [*source.readers, owner_term(source.owner_id)],
        "tags": [tag_term(tag) for tag in source.tags],
        "types": _type_terms(source),
        "metadata": [pair_term(name, value) for name, value in source.metadata.items()],
        "kind": [source.kind],
        "family": [family_of(source.content_type, source.name)],
        "name_prefixes": sorted(
            {word[:length] for word in beginnings for length in range(1, min(len(word), _PREFIX_CHARS) + 1)}
        ),
        "name_words": words,
        "whole_name": [" ".join(words)],
        **{field: [normal(source.name)] for field in name_fields(normal(source.name))},
    }


def variant_field(field: str, variant: str) -> str:
    """Return the field that has the same text, indexed as a variant of `languages.VARIANTS`."""
    return f"{field}_{variant}"


def text_fields(text: str) -> list[str]:
    """Return the fields of a `normal` text: the usual one first."""
    return ["text", *(variant_field("text", variant) for variant in variants_of(text))]


def name_fields(name: str) -> list[str]:
    """Return the fields of a `normal` name: it is too short to know its language."""
    return ["name", *([variant_field("name", EAST_ASIAN)] if has_east_asian(name) else [])]


def _type_terms(source: IndexedDocument) -> list[str]:
    media_type = type_term(source.content_type)
    extension = type_term(PurePosixPath(source.name).suffix)
    return sorted({media_type, media_type.partition("/")[0], extension} - {""})
