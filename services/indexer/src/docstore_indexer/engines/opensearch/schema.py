"""Schema of OpenSearch indexes: fields, analyzers and the conversion of files.

Terms are computed here, as for Tantivy (`index_terms`). OpenSearch analyzes only texts, in the same way as Tantivy:
runs of letters and digits, without case and accents, reduced to their stem, and East Asian characters one by one.
"""

from dataclasses import dataclass
from typing import Any

from docstore_indexer.engines.engine import IndexedDocument
from docstore_indexer.engines.languages import EAST_ASIAN, EAST_ASIAN_CLASS, STEMMED, VARIANTS
from docstore_indexer.engines.terms import EXCERPT_CHARS, microseconds, normal, terms_of, text_fields, variant_field

SCHEMA_VERSION = 5
_LONGEST_TERM = 8191
"""In characters: OpenSearch refuses documents with a term of more than 32,766 bytes."""
_OVERLAP_CHARS = 1_000
"""Overlap of the two parts of a long text, so that phrases match across the cut."""
Json = dict[str, Any]

_TERMS: Json = {"type": "keyword", "norms": False, "doc_values": False, "ignore_above": _LONGEST_TERM}
_TEXT: Json = {"type": "text", "analyzer": "stemmed"}
# With word positions: a snippet of a long text then takes 2 ms, and 40 ms if the text must be analyzed again. Stored by
# itself: with the source, OpenSearch decompresses many documents beside the one that it needs.
_STORED: Json = {"term_vector": "with_positions_offsets", "store": True}
SHOWN = ("text", *(variant_field("text", variant) for variant in VARIANTS))
"""Fields for snippets."""
NAMES = ("name", variant_field("name", EAST_ASIAN))
TEXTS = (*SHOWN, "text_beyond", *(variant_field("text_beyond", variant) for variant in VARIANTS))
_VARIANTS: Json = {
    variant_field(field, variant): {"type": "text", "analyzer": variant, **stored}
    for variant in VARIANTS
    for field, stored in (("text", _STORED), ("text_beyond", {}))
}
_FIELDS: Json = {
    "file_id": {"type": "keyword", "index": False},
    "readers": _TERMS,
    "tags": _TERMS,
    "types": _TERMS,
    "metadata": _TERMS,
    "kind": _TERMS,
    "name_prefixes": _TERMS,
    "name_words": _TERMS,
    "whole_name": _TERMS,
    "name": _TEXT,
    variant_field("name", EAST_ASIAN): {"type": "text", "analyzer": EAST_ASIAN},
    "text": {**_TEXT, **_STORED},
    "text_beyond": _TEXT,
    **_VARIANTS,
    "version": {"type": "long", "index": False},
    "modified_at": {"type": "long"},
    "created_at": {"type": "long"},
    "size": {"type": "long", "index": False},
    "family": {"type": "keyword", "index": False},
}
_EAST_ASIAN_TOKENS = rf"[{EAST_ASIAN_CLASS}]|[\p{{IsAlphabetic}}\p{{N}}&&[^{EAST_ASIAN_CLASS}]]+"


def _analyzer(tokenizer: str, *stemmers: str) -> Json:
    filters = ["no_long_ones", "lowercase", "asciifolding", *stemmers]
    return {"type": "custom", "tokenizer": tokenizer, "filter": filters}


_ANALYSIS: Json = {
    "tokenizer": {
        "words": {"type": "pattern", "pattern": r"[\p{IsAlphabetic}\p{N}]+", "group": 0},
        "characters": {"type": "pattern", "pattern": _EAST_ASIAN_TOKENS, "group": 0},
    },
    "filter": {
        "no_long_ones": {"type": "length", "max": 79},
        "english": {"type": "stemmer", "language": "porter2"},
        **{language: {"type": "snowball", "language": language.capitalize()} for language in STEMMED},
    },
    "analyzer": {
        "stemmed": _analyzer("words", "english"),
        **{language: _analyzer("words", language) for language in STEMMED},
        EAST_ASIAN: _analyzer("characters"),
    },
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How to create an index."""

    shards: int = 1
    replicas: int = 1
    refresh_ms: int = 50

    def changeable(self) -> Json:
        """Settings that an index can be given later."""
        return {"number_of_replicas": self.replicas, "refresh_interval": f"{self.refresh_ms}ms"}


def index_body(alias: str, layout: Layout) -> Json:
    """Return the body of a new, incomplete index, with `alias` from its creation."""
    settings = {
        "number_of_shards": layout.shards,
        **layout.changeable(),
        "gc_deletes": "1h",  # how long a removal wins over a late write of an older state
        "analysis": _ANALYSIS,
    }
    mappings = {
        "dynamic": False,
        "_meta": meta(complete=False),
        "_source": {"enabled": False},
        "properties": _FIELDS,
    }
    return {"aliases": {alias: {}}, "settings": settings, "mappings": mappings}


def meta(*, complete: bool) -> Json:
    """Metadata of an index. `complete`: it has contained every file."""
    return {"schema": SCHEMA_VERSION, "complete": complete}


def version_of(change: int, *, with_text: bool) -> int:
    """Of two writes the higher number wins. A change writes a file by its name first, then with its text."""
    return 2 * change + int(with_text)


def to_document(source: IndexedDocument) -> Json:
    """Return the stored form; text is stored for snippets up to EXCERPT_CHARS, and indexed in full."""
    document: Json = {
        "file_id": source.file_id,
        "version": source.version,
        "size": source.size,
        "modified_at": microseconds(source.modified_at),
        "created_at": microseconds(source.created_at),
        **terms_of(source),
    }
    if source.text is not None:
        text = normal(source.text)
        for field in text_fields(text):
            document[field] = text[:EXCERPT_CHARS]
            if len(text) > EXCERPT_CHARS:
                document[field.replace("text", "text_beyond", 1)] = text[EXCERPT_CHARS - _OVERLAP_CHARS :]
    return document
