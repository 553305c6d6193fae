"""Waiting devices receive a change at once, whoever made it and wherever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from people import Person

pytestmark = pytest.mark.connected


async def latest(person: Person) -> str:
    return str((await person.call("GET", "/v1/changes?cursor=latest"))["cursor"])


async def wait_for(person: Person, cursor: str) -> list[tuple[str, str]]:
    """The changes of the next poll that returns any."""
    while not (page := await person.call("GET", f"/v1/changes?cursor={cursor}&wait=20"))["changes"]:
        cursor = page["cursor"]
    return [(change["type"], change["file"]["path"]) for change in page["changes"]]


@asynccontextmanager
async def stream(person: Person, last_event_id: str) -> AsyncIterator[aiohttp.StreamReader]:
    timeout = aiohttp.ClientTimeout(total=60)
    headers = person.headers | {"Last-Event-ID": last_event_id}
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{person.gateway}/v1/events", headers=headers) as response,
    ):
        assert response.status == 200
        yield response.content


async def next_change(content: aiohttp.StreamReader) -> tuple[str, Any]:
    """The cursor behind the next change, and the change."""
    cursor = name = ""
    while line := (await content.readline()).decode():
        field, _, value = line.rstrip("\n").partition(": ")
        if field == "id":
            cursor = value
        elif field == "event":
            name = value
        elif field == "data" and name == "change":
            return cursor, orjson.loads(value)
    raise AssertionError("the stream ended")


async def test_a_poll_returns_an_upload_made_elsewhere(ada: Person) -> None:
    """It waits, and has the file, folder first, as soon as it is there."""
    cursor = await latest(ada)
    waiting = asyncio.create_task(wait_for(ada, cursor))
    file = await ada.upload("/from-my-phone/a.txt", b"x")
    notified = await waiting
    assert notified[0] == ("created", "/from-my-phone")
    page = await ada.call("GET", f"/v1/changes?cursor={cursor}")
    assert [change["file"]["id"] for change in page["changes"]][-1] == file["id"]


async def test_a_stream_misses_nothing_between_two_connections(ada: Person) -> None:
    """Each change once and in order, also those made while the connection was down."""
    notified: list[str] = []
    cursor = await latest(ada)
    for number in range(3):
        await ada.call("POST", "/v1/folders", {"path": f"/{number}a"})
        async with stream(ada, cursor) as content:
            await ada.call("POST", "/v1/folders", {"path": f"/{number}b"})
            for _ in range(2):
                cursor, change = await next_change(content)
                notified.append(change["file"]["name"])
    assert notified == ["0a", "0b", "1a", "1b", "2a", "2b"]


async def test_a_share_and_its_end_reach_the_recipient(ada: Person, grace: Person) -> None:
    """The reader's stream sends the share of a folder, the changes in it, and the end of the share."""
    await ada.upload("/team/plan.txt", b"x")
    folder = await ada.call("GET", "/v1/files/by-path?path=/team")
    async with stream(grace, await latest(grace)) as content:
        share = await ada.share(folder, grace)
        assert (await next_change(content))[1]["type"] == "shared"
        await ada.upload("/team/plan.txt", b"xy")
        change = (await next_change(content))[1]
        assert (change["type"], change["file"]["path"]) == ("modified", "/team/plan.txt")
        await ada.call("DELETE", f"/v1/files/{folder['id']}/shares/{share['id']}")
        assert (await next_change(content))[1]["type"] == "unshared"
    assert await ada.refused("GET", f"/v1/changes?cursor={await latest(grace)}") == (422, "invalid_cursor")


async def test_a_client_compares_its_checksums(ada: Person) -> None:
    """One call returns what to fetch, what to send and what to remove."""
    kept, changed, gone = [await ada.upload(f"/c/{name}.txt", name.encode()) for name in ("kept", "changed", "gone")]
    await ada.call("DELETE", f"/v1/files/{gone['id']}")
    entries = [{"path": file["path"], "sha256": kept["sha256"]} for file in (kept, changed, gone)]
    entries.append({"path": "/c/new.txt", "sha256": kept["sha256"]})
    answer = await ada.call("POST", "/v1/compare", {"path": "/c", "entries": entries})
    assert [file["id"] for file in answer["newer"]] == [changed["id"]]
    assert (answer["same"], answer["deleted"], answer["unknown"]) == (1, ["/c/gone.txt"], ["/c/new.txt"])
