"""Contents that no one reads are handed over to cold storage; archived ones are refused until they were retrieved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from link_calls import make
from metadata_stack import Stack

from docstore_contents.block_list import block_list_key
from docstore_platform.clock import utc_now
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

DAYS = 90.0


class Cold:
    """A service with cold storage and an adjustable clock."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.began = utc_now()
        self.days = 0.0

    def clock(self) -> datetime:
        return self.began + timedelta(days=self.days)

    @asynccontextmanager
    async def running(self, **infra: Any) -> AsyncIterator[None]:
        settings = self.stack.infra.model_copy(update={"archive_class": "GLACIER", "archive_after_days": DAYS, **infra})
        intervals = {"cold_interval_seconds": 0.05, "retrieval_interval_seconds": 0.05}
        async with self.stack.run(clock=self.clock, infra=settings, job_lease_seconds=1, **intervals):
            yield

    async def put(self, path: str, **extra: Any) -> Any:
        """A committed file, with the key of its content as `object_key`."""
        item = self.stack.item(path, **extra)
        await self.stack.store_object(item, b"hello")
        (result,) = await self.stack.commit(item)
        return {**result["file"], "object_key": item["object_key"]}

    async def handed_over(self, *files: Any) -> None:
        """Wait until exactly these contents were handed over completely."""
        keys = {file["object_key"] for file in files}

        async def are_complete() -> bool:
            rows = self.stack.database["objects"].find({"idle": True, "used_at": {"$exists": False}})
            return {row["_id"] async for row in rows} == keys

        await eventually(are_complete)

    async def read(self, file: Any, query: str = "") -> tuple[int, str]:
        answer = await self.stack.person.send("GET", f"/v1/files/{file['id']}/content{query}")
        return answer.status, "" if answer.status < 400 else answer.json()["code"]


@pytest.fixture
def cold(stack: Stack) -> Cold:
    return Cold(stack)


async def test_contents_that_are_not_read_are_moved_to_cold_storage(cold: Cold) -> None:
    """After the period, current and old versions; what was read meanwhile, by anyone, only so long after that."""
    async with cold.running():
        unread, read, linked = await cold.put("/unread"), await cold.put("/read"), await cold.put("/linked")
        old = await cold.put("/versions")
        current = await cold.put("/versions")
        link = await make(cold.stack, linked)
        cold.days = 60
        assert await cold.read(read) == (302, "")
        assert await cold.read(current) == (302, "")
        answer = await cold.stack.person.send("GET", f"/v1/links/{link['token']}/content")
        assert answer.status == 302
        cold.days = DAYS + 0.9
        assert cold.stack.uploads.unused == {}
        cold.days = DAYS + 1.1
        await cold.handed_over(unread, old)
        cold.days = 60 + DAYS + 1.1
        await cold.handed_over(unread, old, read, linked, current)


async def test_a_read_is_noted_once_a_day(cold: Cold) -> None:
    """Further reads write nothing and ask no one."""
    async with cold.running():
        file = await cold.put("/a")

        async def noted() -> datetime:
            row = await cold.stack.database["objects"].find_one({"_id": file["object_key"]})
            assert row
            return row["used_at"]  # type: ignore[no-any-return]

        first = await noted()
        await cold.read(file)
        assert await noted() == first
        cold.days = 1.5
        await cold.read(file)
        second = await noted()
        assert second > first
        cold.days = 2
        await cold.read(file)
        assert await noted() == second
        assert cold.stack.uploads.asked == []


async def test_an_archived_content_is_refused_until_it_was_retrieved(cold: Cold) -> None:
    """By every route that reads, with an estimate; who requested it, once or twice, gets one event when it is there."""
    person, uploads = cold.stack.person, cold.stack.uploads
    async with cold.running():
        file, other = await cold.put("/old.txt"), await cold.put("/other.txt")
        link = await make(cold.stack, file, max_downloads=1)
        cold.days = DAYS + 1.1
        await cold.handed_over(file, other)
        uploads.archived, uploads.steps = {file["object_key"]}, 3
        assert await cold.read(file) == (409, "archived")
        assert await cold.read(other) == (302, "")
        refused = (await person.send("GET", f"/v1/files/{file['id']}/content")).json()
        assert refused["estimate_seconds"] == 5 * 3600
        located = await person.ok("POST", "/v1/contents", {"items": [{"id": file["id"]}, {"id": other["id"]}]})
        first, second = located["results"]
        assert (first["problem"]["code"], second["direct"]) == ("archived", True)
        linked = await person.send("GET", f"/v1/links/{link['token']}/content")
        assert (linked.status, linked.json()["code"]) == (409, "archived")
        page = await person.send("GET", f"/l/{link['token']}/download")
        assert (page.status, b"cold storage" in page.body) == (409, True)

        route = f"/v1/files/{file['id']}/retrieval"
        found = await person.ok("GET", route)
        assert (found["state"], found["estimate_seconds"], found["expected_at"]) == ("archived", 5 * 3600, None)
        requested = await person.ok("POST", route)
        assert requested["state"] == "requested"
        assert requested["expected_at"] > requested["requested_at"]
        await person.ok("POST", route)

        async def is_available() -> bool:
            return bool((await person.ok("GET", route))["state"] == "available")

        await eventually(is_available)
        assert await cold.read(file) == (302, "")
        linked = await person.send("GET", f"/v1/links/{link['token']}/content")
        assert linked.status == 302
        rows = await cold.stack.database["outbox"].find({"topic": {"$regex": "files$"}}).to_list(None)
        types = [dict(row["headers"])["ce_type"].decode() for row in rows]
        assert types.count("content-retrieved") == 1
        assert await person.ok("POST", route) == {
            "version": 1,
            "state": "available",
            "requested_at": None,
            "expected_at": None,
            "estimate_seconds": None,
        }
        cold.days += DAYS + 1.1
        await cold.handed_over(file, other)
        assert uploads.unused == {file["object_key"]: 2, other["object_key"]: 2}


async def test_blocks_are_asked_about_once(cold: Cold) -> None:
    """A file put together from archived blocks is refused although it is new."""
    async with cold.running():
        key = block_list_key(cold.stack.person.account_id, "u", "g")
        file = await cold.put("/new.bin", object_key=key)
        cold.stack.uploads.archived = {key}
        assert await cold.read(file) == (409, "archived")
        answer = await cold.stack.person.send("GET", f"/v1/files/{file['id']}/blocks")
        assert answer.json()["code"] == "archived"
        cold.stack.uploads.archived = set()
        route = f"/v1/files/{file['id']}/retrieval"
        for _ in range(3):
            assert (await cold.stack.person.ok("GET", route))["state"] == "available"
        assert cold.stack.uploads.asked == [key] * 3


async def test_an_interrupted_hand_over_is_repeated(cold: Cold) -> None:
    """While upload is down, a reader is asked to try again; then the content is handed over with a new turn."""
    uploads = cold.stack.uploads
    async with cold.running():
        file = await cold.put("/a")
        uploads.down = True
        cold.days = DAYS + 1.1

        async def is_marked() -> bool:
            return await cold.stack.database["objects"].find_one({"idle": True}) is not None

        await eventually(is_marked)
        assert await cold.read(file) == (503, "unavailable")
        uploads.down = False
        cold.days += 0.1
        await cold.handed_over(file)
        assert uploads.unused[file["object_key"]] > 1
        assert await cold.read(file) == (302, "")


async def test_contents_of_earlier_releases_count_from_the_upgrade(cold: Cold) -> None:
    """And with 0 days nothing more is handed over."""
    async with cold.stack.run():
        file = await cold.put("/a")
    unset = {"$unset": {"used_at": ""}}
    await cold.stack.database["objects"].update_one({"_id": file["object_key"]}, unset)
    cold.days = 100
    async with cold.running():
        cold.days = 100 + DAYS + 0.9
        assert await cold.read(file) == (302, "")
    assert cold.stack.uploads.unused == {}
    cold.days = 1000
    async with cold.running(archive_after_days=0):
        assert await cold.read(file) == (302, "")
    assert cold.stack.uploads.unused == {}
