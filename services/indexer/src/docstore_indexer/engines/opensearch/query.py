"""Translates searches to OpenSearch queries, in which users' text is only ever a value, and responses to hits."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal

from docstore_indexer.engines.engine import Family, Hit, Order, SearchHits, SearchQuery, Sort, Stored
from docstore_indexer.engines.opensearch.schema import NAMES, SHOWN, TEXTS
from docstore_indexer.engines.query_text import Clause, clauses
from docstore_indexer.engines.terms import (
    SORT_FIELDS,
    date_limits,
    filter_terms,
    name_spellings,
    owner_term,
    prefix_of,
    text_clauses,
    text_spellings,
    whole_name,
    words_of,
)
from docstore_platform.errors import invalid
from docstore_platform.http.paging import decode_cursor, encode_cursor

MAX_POSITION = 10_000
"""OpenSearch's own limit of `from` + `size`."""
SNIPPET_CHARS = 200
_WORD_BOOST = 0.5
_NAME_BOOST = 2.0
_WHOLE_NAME_BOOST = 5.0
_FAR = 1 << 63
_LONGEST_WORD = 79
Json = dict[str, Any]
Rank = Literal["name", "relevance"] | Sort


def rank_of(query: SearchQuery) -> Rank:
    """Return what the hits are sorted by."""
    return query.sorted_by or ("name" if query.scope == "name" else "relevance")


def request_of(query: SearchQuery) -> Json:
    """Return the search's body. Raises problem 422 `invalid_cursor`."""
    rank = rank_of(query)
    position, after = _place(query.cursor, rank)
    body: Json = {
        "query": {"bool": {"filter": _filters(query), **_words(query)}},
        "size": max(1, min(query.limit, MAX_POSITION)),
        "track_total_hits": True,
        "_source": False,
        # Hits come with their sort values; looking up fields of a thousand takes as long as finding them.
        "sort": [*_sort(rank, query.order), {"version": "asc"}],
    }
    if rank == "relevance":
        body["from"] = position
        body["size"] = min(body["size"], MAX_POSITION - position)
    elif after:
        body["search_after"] = [*after, _FAR - 1]  # after each version of that file
    if _with_snippets(query):
        body["highlight"] = _highlight(query, SHOWN[:1])
    else:
        body["stored_fields"] = "_none_"  # ids lie beside the texts, which would be decompressed for each hit
    return body


def variants_request(response: Json, query: SearchQuery) -> Json | None:
    """Return the body that highlights the hits whose usual text has none of the words; None if there are none.

    `response`: to `request_of(query)`. Each further field costs as much as the first, even for texts that lack it, and
    few texts need one, because all are indexed as English too.
    """
    if not (_with_snippets(query) and _indexed_clauses(query.text)):
        return None
    snippets = {hit["_id"]: _snippets(hit) for hit in response["hits"]["hits"]}
    unmarked = [file_id for file_id, found in snippets.items() if found and not any(map(_is_marked, found))]
    if not unmarked:
        return None
    return {
        "query": {"bool": {"filter": [*_filters(query), {"ids": {"values": unmarked}}]}},
        "size": len(unmarked),
        "track_total_hits": False,
        "_source": False,
        "docvalue_fields": ["version"],
        "sort": ["_doc"],
        "highlight": _highlight(query, SHOWN[1:]),
    }


def add_variants(response: Json, further: Json) -> None:
    """Add the highlights in `further`, a response to `variants_request`, to hits of the same version."""
    found = {(hit["_id"], *hit["fields"]["version"]): hit.get("highlight", {}) for hit in further["hits"]["hits"]}
    for hit in response["hits"]["hits"]:
        hit["highlight"] = hit.get("highlight", {}) | found.get((hit["_id"], hit["sort"][-1]), {})


def hits_of(response: Json, query: SearchQuery) -> SearchHits:
    """Return the page in a response to `request_of(query)`."""
    rank = rank_of(query)
    position, _ = _place(query.cursor, rank)
    found, total = response["hits"]["hits"], int(response["hits"]["total"]["value"])
    hits = tuple(_hit(one, 0.0 if query.sorted_by else 1.0 / (1 + position + n)) for n, one in enumerate(found))
    end = position + len(hits)
    more = bool(hits) and end < (min(total, MAX_POSITION) if rank == "relevance" else total)
    cursor = encode_cursor(end, *(() if rank == "relevance" else found[-1]["sort"][:-1])) if more else None
    return SearchHits(hits, total, cursor)


def _place(cursor: str | None, rank: Rank) -> tuple[int, list[Any]]:
    """Return how many hits came before, and the sort values of the last of them.

    Relevance is paged by position only: scores would reveal in how many files of all accounts a word occurs.
    """
    if cursor is None:
        return 0, []
    types: dict[Rank, tuple[type | tuple[type, ...], ...]] = {
        "name": (int, (int, float), int, str),
        "relevance": (int,),
    }
    position, *after = decode_cursor(cursor, *types.get(rank, (int, int, str)))
    limit = MAX_POSITION if rank == "relevance" else _FAR
    if not 0 <= position < limit or any(isinstance(n, int | float) and not -_FAR < n < _FAR for n in after):
        raise invalid("The cursor is invalid.", "invalid_cursor")
    return position, after


def _sort(rank: Rank, order: Order) -> list[Json]:
    if rank == "name" or rank == "relevance":
        return [{"_score": "desc"}, {"modified_at": "desc"}, {"file_id": "asc"}]
    return [{SORT_FIELDS[rank]: order}, {"file_id": "asc"}]


def stored_request(owner_id: str) -> Json:
    """Return the search's body for what an account stores, by family."""
    return {
        "size": 0,
        "sort": ["size"],  # refused by an index that has no sizes yet, whose sums would be empty
        "query": {"bool": {"filter": [_term("readers", owner_term(owner_id)), _term("kind", "file")]}},
        "aggs": {"families": {"terms": {"field": "family"}, "aggs": {"bytes": {"sum": {"field": "size"}}}}},
    }


def stored_of(response: Json) -> dict[Family, Stored]:
    """Return the sums in a response to `stored_request`."""
    found = response["aggregations"]["families"]["buckets"]
    return {each["key"]: Stored(int(each["doc_count"]), int(each["bytes"]["value"])) for each in found}


def versions_request(file_ids: Collection[str]) -> Json:
    """Return the search's body for the versions of files by id."""
    return {
        "size": len(file_ids),
        "query": {"ids": {"values": sorted(file_ids)}},
        "_source": False,
        "docvalue_fields": ["version"],
    }


def versions_in(answer: Json) -> dict[str, int]:
    """Return the versions in a response to `versions_request`."""
    return {hit["_id"]: int(hit["fields"]["version"][0]) for hit in answer["hits"]["hits"]}


def _filters(query: SearchQuery) -> list[Json]:
    """Filters do not affect the score; the reader's own term is always one of them."""
    parts = [_term(field, term) for field, term in filter_terms(query)]
    if query.of_others:
        parts.append({"bool": {"must_not": [_term("readers", owner_term(query.reader))]}})
    if query.shared is not None:
        parts.append(_either([_term("readers", owner_term(query.reader)), {"ids": {"values": sorted(query.shared)}}]))
    for field, limits in date_limits(query).items():
        bounds = {name: limit for name, limit in zip(("gt", "lt"), limits, strict=True) if limit is not None}
        parts.append({"range": {field: bounds}})
    return parts


def _term(field: str, value: str) -> Json:
    return {"term": {field: value}}


def _constant(query: Json, score: float) -> Json:
    return {"constant_score": {"filter": query, "boost": score}}


def _words(query: SearchQuery) -> Json:
    if not query.text.strip():
        return {}
    if query.scope == "content":
        return {"must": _in_text(query.text) or [{"match_none": {}}]}
    words = name_spellings(" ".join(clause.text for clause in clauses(query.text)))
    if not words:
        return {"must": [{"match_none": {}}]}
    beginnings = [sorted({prefix_of(word) for word in spellings}) for spellings in words]
    return {
        "must": [_constant({"terms": {"name_prefixes": terms}}, 1.0) for terms in beginnings],
        "should": [
            *(_constant(_term("name_words", word), _WORD_BOOST) for each in words for word in sorted(each)),
            _constant(_term("whole_name", whole_name(query.text)), _WHOLE_NAME_BOOST),
        ],
    }


def _in_text(text: str) -> list[Json]:
    """Match each clause in any field; those of words too long for the index are left out."""
    return [_either(_inside(clause, (*TEXTS, *NAMES))) for clause in _indexed_clauses(text)]


def _indexed_clauses(text: str) -> list[Clause]:
    return [clause for clause in text_clauses(text) if any(len(word) <= _LONGEST_WORD for word in words_of(clause))]


def _either(queries: list[Json]) -> Json:
    return {"bool": {"should": queries, "minimum_should_match": 1}}


def _inside(clause: Clause, fields: Iterable[str]) -> list[Json]:
    """Return the queries for a clause, each in one field: its words, or its East Asian characters, must be adjacent."""
    return [
        {"match_phrase": {field: {"query": spelling, "boost": _NAME_BOOST if field in NAMES else 1.0}}}
        for field in fields
        for spelling in text_spellings(clause, field)
    ]


def _with_snippets(query: SearchQuery) -> bool:
    return query.scope == "content" and not query.of_others


def _highlight(query: SearchQuery, fields: Sequence[str]) -> Json:
    """Request the best passage of each field with its words marked; without one, the start of the usual text."""
    wanted = [one for clause in _indexed_clauses(query.text) for one in _inside(clause, fields)]
    return {
        "encoder": "html",
        "type": "fvh",
        "number_of_fragments": 1,
        "fragment_size": SNIPPET_CHARS,
        "no_match_size": SNIPPET_CHARS,
        "order": "score",
        "boundary_scanner": "word",
        "pre_tags": ["<mark>"],
        "post_tags": ["</mark>"],
        "highlight_query": {"bool": {"should": wanted}},
        "fields": {field: {} if field == "text" else {"no_match_size": 0} for field in fields},
    }


def _snippets(found: Json) -> list[str]:
    return [each[0] for each in found.get("highlight", {}).values() if each]


def _is_marked(snippet: str) -> bool:
    return "<mark>" in snippet


def _hit(found: Json, score: float) -> Hit:
    file_id, version = found["sort"][-2:]
    best = max(_snippets(found), key=_is_marked, default=None)
    snippet = None if best is None else " ".join(best.split())
    return Hit(file_id, int(version), score, snippet)
