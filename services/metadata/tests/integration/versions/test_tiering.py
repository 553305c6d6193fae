"""Old contents are tagged for colder storage when they are due."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from metadata_stack import Stack
from profiled import reads_of

from docstore_contents.block_list import block_list_key
from docstore_metadata.versions.documents import version_id
from docstore_metadata.versions.repository import MongoOldContents, MongoVersions
from docstore_metadata.versions.tiering import MIN_BYTES, OLD_CONTENT, StorageTiering
from docstore_platform.clock import utc_now
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

LARGE = bytes(MIN_BYTES)


class Cooling:
    """A separate tiering task with an adjustable clock."""

    def __init__(self, stack: Stack) -> None:
        old, versions = MongoOldContents(stack.database), MongoVersions(stack.database)
        self.tiering = StorageTiering(old, versions, stack.objects, days=90, now=self._now)
        self._days = 0.0

    async def _now(self) -> datetime:
        return utc_now() + timedelta(days=self._days)

    async def at(self, days: float) -> int:
        """Tag until nothing is due; returns the number of files."""
        self._days, files = days, 0
        while found := await self.tiering.cool():
            files += found
        return files


async def put(stack: Stack, path: str, content: bytes, **extra: Any) -> str:
    """Commit a stored content; returns its key."""
    item = stack.item(path, content, **extra)
    await stack.store_object(item, content)
    await stack.commit(item)
    return str(item["object_key"])


async def tags(stack: Stack, key: str) -> dict[str, str]:
    answer = await stack.objects.transport.call("get_object_tagging", Key=key)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


async def test_contents_replaced_long_ago_are_tagged(running: Stack) -> None:
    """After ninety days, once; not current and small ones; all stay readable."""
    cooling = Cooling(running)
    first, second, current = [await put(running, "/a.bin", LARGE + bytes([n])) for n in range(3)]
    small, _ = [await put(running, "/small.txt", b"small") for _ in range(2)]
    alone = await put(running, "/alone.bin", LARGE)
    assert await cooling.at(89.9) == 0
    assert await cooling.at(90.1) == 2
    marked = {key: await tags(running, key) for key in (first, second, current, small, alone)}
    assert marked == {first: OLD_CONTENT, second: OLD_CONTENT, current: {}, small: {}, alone: {}}
    assert await running.objects.get(first) == LARGE + b"\0"
    assert await cooling.at(5000) == 0
    await put(running, "/a.bin", LARGE)
    assert await cooling.at(89.9) == 0
    assert await cooling.at(90.1) == 1
    assert await tags(running, current) == OLD_CONTENT


@pytest.mark.parametrize("count", [60, 300])
async def test_tiering_reads_the_versions_that_are_due(fresh: Stack, count: int) -> None:
    """And the next few, whatever the file keeps before and after them."""
    cooling, versions, nodes = Cooling(fresh), fresh.database["versions"], fresh.database["nodes"]
    file = [await fresh.put("/a.bin") for _ in range(2)][-1]
    row = await versions.find_one({"node": file["id"], "number": 2})
    moments = {number: utc_now() + timedelta(minutes=number) for number in range(2, count + 1)}
    await versions.delete_one({"_id": row["_id"]})
    await versions.insert_many(
        [
            {**row, "_id": version_id(file["id"], number), "number": number, "created": at, "came_at": at}
            for number, at in moments.items()
        ]
    )
    fields = {"version": count, "cold_version": 1, "cold_from": moments[2]}
    await nodes.update_one({"_id": file["id"]}, {"$set": fields})

    async def reads_until(number: int) -> int:
        days = 90 + (moments[number] - utc_now() + timedelta(seconds=30)) / timedelta(days=1)
        async with reads_of(fresh.database, "versions", appName="test") as reads:
            assert await cooling.at(days) == 1
        node = await nodes.find_one({"_id": file["id"]})
        assert (node["cold_version"], node["cold_from"]) == (number, moments[number + 1])
        return sum(reads.documents)

    assert await reads_until(6) == 8
    assert await reads_until(26) == 32
    await nodes.update_one({"_id": file["id"]}, {"$unset": {"cold_version": ""}})  # as of earlier releases
    await reads_until(27)
    assert await reads_until(28) == 4


async def test_contents_with_several_references_are_not_tagged(running: Stack) -> None:
    """An old version whose object a copy or a restored version shares, and a list of blocks."""
    cooling, person = Cooling(running), running.person
    copied = await put(running, "/copied.bin", LARGE)
    await person.ok("POST", f"/v1/files/{(await person.at('/copied.bin'))['id']}/copy", {"path": "/copy.bin"})
    await put(running, "/copied.bin", LARGE)
    restored = await put(running, "/restored.bin", LARGE)
    await put(running, "/restored.bin", LARGE)
    file = await person.at("/restored.bin")
    await person.ok("POST", f"/v1/files/{file['id']}/versions/1/restore")
    in_blocks = block_list_key(person.account_id, "u", "g")
    await put(running, "/blocks.bin", LARGE, object_key=in_blocks)
    await put(running, "/blocks.bin", LARGE)
    assert await cooling.at(91) == 3
    for key in (copied, restored, in_blocks):
        assert await tags(running, key) == {}


async def test_tiering_survives_a_crash_and_a_missing_object(running: Stack) -> None:
    """Tagging is repeated after a crash, and a missing object does not block others."""
    cooling = Cooling(running)
    gone, old = [await put(running, "/a.bin", LARGE + bytes([n])) for n in range(2)]
    await put(running, "/a.bin", LARGE)
    await running.objects.tag(old, OLD_CONTENT)
    await running.objects.delete(gone)
    assert await cooling.at(91) == 1
    assert await tags(running, old) == OLD_CONTENT
    assert await cooling.at(91) == 0


async def test_the_service_tags_contents_of_earlier_releases(stack: Stack) -> None:
    """In the background after its start; with 0 days it tags none."""
    async with stack.run(cold_after_days=0):
        old = await put(stack, "/a.bin", LARGE)
        await put(stack, "/a.bin", LARGE)
    nodes = stack.database["nodes"]
    await nodes.drop_indexes()
    long_ago = {"replaced_from": utc_now() - timedelta(days=91)}
    await nodes.update_many({"kept_versions": 2}, {"$set": long_ago, "$unset": {"cold_from": ""}})
    made = {"$set": {"created": utc_now() - timedelta(days=91)}, "$unset": {"came_at": ""}}
    await stack.database["versions"].update_many({}, made)
    assert await tags(stack, old) == {}
    async with stack.run():

        async def marked() -> bool:
            return await tags(stack, old) == OLD_CONTENT

        await eventually(marked)
