"""Repairs of what the consistency checks find, which must never cost a content."""

import asyncio
from typing import Any

import pytest
from metadata_stack import Stack

pytestmark = pytest.mark.connected

REPAIR = {"check": "versions", "after": "", "limit": 100, "repair": True, "checksums": False}


async def found(stack: Stack) -> set[tuple[str, str, bool]]:
    """Kind and id of what the check of versions finds and repairs."""
    page = await stack.internal.call("POST", "/internal/consistency", REPAIR)
    return {(each["kind"], each["id"], each["repaired"]) for each in page["findings"]}


async def with_copy(stack: Stack) -> tuple[Any, Any, str]:
    """Two files that share a content, and its key."""
    item = stack.item("/a.txt", b"shared")
    await stack.store_object(item, b"shared")
    [result] = await stack.commit(item)
    copy = await stack.person.ok("POST", f"/v1/files/{result['file']['id']}/copy", {"path": "/b.txt"})
    return result["file"], copy, item["object_key"]


async def test_a_content_whose_count_was_lost_outlives_one_of_its_files(fresh: Stack) -> None:
    """How many versions share it is unknown by then, so none of them may take it along."""
    original, copy, key = await with_copy(fresh)
    await fresh.database["objects"].delete_one({"_id": key})
    assert await found(fresh) == {("content_uncounted", f"{each['id']}/1", True) for each in (original, copy)}
    assert await found(fresh) == set()
    await fresh.person.ok("DELETE", f"/v1/files/{original['id']}")
    await fresh.person.ok("DELETE", f"/v1/trash/{original['id']}")
    await fresh.jobs_done()
    assert await fresh.database["versions"].count_documents({"object_key": key}) == 1
    content = await fresh.database["objects"].find_one({"_id": key})
    assert content["refs"] > 0
    assert "due_at" not in content


async def test_a_version_without_file_gives_up_its_content_once(fresh: Stack) -> None:
    """Two repairs at a time remove it together; the other file of the content keeps it."""
    original, copy, key = await with_copy(fresh)
    await fresh.database["nodes"].delete_one({"_id": original["id"]})
    pages = await asyncio.gather(*(found(fresh) for _ in range(5)))
    assert ("file_missing", f"{original['id']}/1", True) in set().union(*pages)
    content = await fresh.database["objects"].find_one({"_id": key})
    assert content["refs"] == 1
    assert "due_at" not in content
    assert await found(fresh) == set()
    assert (await fresh.person.get(copy))["size"] == len(b"shared")
