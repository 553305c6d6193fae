"""Bodies of searches that spare the cluster work."""

from typing import Any

import pytest

from docstore_indexer.engines.engine import SearchQuery
from docstore_indexer.engines.opensearch.query import add_variants, hits_of, request_of, variants_request

QUERY = SearchQuery("ann", "houses", "content")


def response(**snippets: str | None) -> dict[str, Any]:
    """A page with a hit for each file id, and its snippet of the usual text."""
    hits = [
        {
            "_id": file_id,
            "sort": [1.0, 0, file_id, 1],
            "highlight": {} if snippet is None else {"text": [snippet]},
        }
        for file_id, snippet in snippets.items()
    ]
    return {"hits": {"hits": hits, "total": {"value": len(hits)}}}


@pytest.mark.parametrize(
    "query", [SearchQuery("ann", "houses"), SearchQuery("ann", "houses", "content", of_others=True)]
)
def test_a_search_without_snippets_reads_no_stored_fields(query: SearchQuery) -> None:
    """The ids lie in the same compressed blocks as the texts."""
    body = request_of(query)
    assert body["stored_fields"] == "_none_"
    assert "highlight" not in body


def test_a_search_looks_up_no_fields_of_its_hits() -> None:
    """Ids and versions come with the sort values; for a thousand hits, fields take as long as finding them."""
    body = request_of(SearchQuery("ann", "houses", of_others=True, limit=1000))
    assert [next(iter(key)) for key in body["sort"]][-2:] == ["file_id", "version"]
    assert not {"docvalue_fields", "fields"} & body.keys()


def test_only_the_usual_text_is_highlighted_at_first() -> None:
    """Each further field takes as long as the first."""
    assert list(request_of(QUERY)["highlight"]["fields"]) == ["text"]


@pytest.mark.parametrize(
    ("query", "page"),
    [
        (QUERY, response(a="a <mark>house</mark>")),
        (QUERY, response()),
        (QUERY, response(a=None)),
        (SearchQuery("ann", "", "content"), response(a="the beginning")),
        (SearchQuery("ann", "houses"), response(a="the beginning")),
    ],
)
def test_no_variants_are_requested_without_need(query: SearchQuery, page: dict[str, Any]) -> None:
    """All hits are marked, there are none, they have no text, there are no words, or no snippets are wanted."""
    assert variants_request(page, query) is None


def test_hits_without_a_marked_word_are_highlighted_in_the_variants() -> None:
    """Only they, and only if the reader may still read them."""
    body = variants_request(response(a="a <mark>house</mark>", b="the beginning"), QUERY)
    assert body is not None
    assert body["query"]["bool"]["filter"] == [{"term": {"readers": "ann"}}, {"ids": {"values": ["b"]}}]
    assert "text" not in body["highlight"]["fields"]
    assert "text_german" in body["highlight"]["fields"]


@pytest.mark.parametrize(("version", "snippet"), [(1, "die <mark>Häuser</mark>"), (2, "the beginning")])
def test_a_snippet_of_a_variant_replaces_the_beginning_in_the_same_version(version: int, snippet: str) -> None:
    """A later version may have been indexed between the two requests."""
    page, further = response(a="the beginning"), response(a=None)
    [hit] = further["hits"]["hits"]
    hit |= {"fields": {"version": [version]}, "highlight": {"text_german": ["die <mark>Häuser</mark>"]}}
    add_variants(page, further)
    assert [hit.snippet for hit in hits_of(page, QUERY).hits] == [snippet]
