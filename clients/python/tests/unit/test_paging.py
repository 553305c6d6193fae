"""Lists of several pages, of each operation that has them."""

import asyncio
import inspect
from typing import Any

import pytest

from docstore_client import AsyncClient, Client
from docstore_client.models import SavedFilters

LISTS = sorted(
    name
    for name, method in inspect.getmembers(AsyncClient, inspect.iscoroutinefunction)
    if "cursor" in inspect.signature(method).parameters and name != "changes"
)
OWN_FIELDS = {"total": 0, "mode": "name", "changes_cursor": "c"}
"""What pages of searches and of the snapshot have besides."""
REQUIRED = {"file_id": "f", "query": "q", "filters": SavedFilters()}


def _answering(client: AsyncClient, monkeypatch: pytest.MonkeyPatch, items: list[Any]) -> list[Any]:
    """Let every route have three pages, the second empty; return the cursors that are asked for."""
    pages = {None: (items[:1], "1"), "1": ([], "2"), "2": (items[1:], None)}
    cursors: list[Any] = []

    async def call(*_: Any, params: dict[str, Any], **__: Any) -> Any:
        cursors.append(params.get("cursor"))
        listed, following = pages[params.get("cursor")]
        return {"items": listed, "next_cursor": following, **OWN_FIELDS}

    monkeypatch.setattr(client._connection, "call", call)
    return cursors


@pytest.mark.parametrize("name", LISTS)
async def test_every_list_is_iterated_to_its_end(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list whose page has another form, or whose cursor is not sent, would end after a page or never."""
    async with AsyncClient("http://gateway") as client:
        cursors = _answering(client, monkeypatch, [])
        listing = getattr(client, name)
        given = {key: value for key, value in REQUIRED.items() if key in inspect.signature(listing).parameters}
        assert [item async for item in client.iterate(listing, **given)] == []
    assert cursors == [None, "1", "2"]


async def test_a_route_without_a_method_is_iterated_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """By both clients: a program need not wait for a release of the client that knows the route."""
    async with AsyncClient("http://gateway") as client:
        _answering(client, monkeypatch, [{"id": "a"}, {"id": "b"}])
        found = [item async for item in client.iterate_call("/v1/new", params={"limit": 1})]
    assert found == [{"id": "a"}, {"id": "b"}]

    def synchronously() -> list[Any]:
        with Client("http://gateway") as docstore:
            _answering(docstore._client, monkeypatch, [{"id": "a"}, {"id": "b"}])
            return list(docstore.iterate_call("/v1/new"))

    assert await asyncio.to_thread(synchronously) == [{"id": "a"}, {"id": "b"}]


async def test_pages_are_requested_only_as_far_as_the_loop_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of a million items costs one call."""
    async with AsyncClient("http://gateway") as client:
        cursors = _answering(client, monkeypatch, [{"id": "a"}, {"id": "b"}])
        async for _ in client.iterate_call("/v1/new"):
            break
    assert cursors == [None]
