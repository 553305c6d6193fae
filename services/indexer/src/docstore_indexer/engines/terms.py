"""Search terms of a file, the same in every engine."""

import unicodedata
from datetime import datetime
from pathlib import PurePosixPath

import tantivy

from docstore_indexer.engines.engine import IndexedDocument, SearchQuery
from docstore_indexer.extraction.plain_text import clean
from docstore_platform.custom_metadata import pair_term

EXCERPT_CHARS = 200_000
"""Length of the text that is stored for snippets; the whole text is indexed."""
_PREFIX_CHARS = 32
_NAME_TOKENS = 64
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
    return {
        "readers": [*source.readers, owner_term(source.owner_id)],
        "tags": [tag_term(tag) for tag in source.tags],
        "types": _type_terms(source),
        "metadata": [pair_term(name, value) for name, value in source.metadata.items()],
        "kind": [source.kind],
        "name_prefixes": sorted(
            {word[:length] for word in words for length in range(1, min(len(word), _PREFIX_CHARS) + 1)}
        ),
        "name_words": words,
        "whole_name": [" ".join(words)],
        "name": [normal(source.name)],
    }


def _type_terms(source: IndexedDocument) -> list[str]:
    media_type = type_term(source.content_type)
    extension = type_term(PurePosixPath(source.name).suffix)
    return sorted({media_type, media_type.partition("/")[0], extension} - {""})
