"""Contents in blocks on real servers: sent once, completed once, collected when unreferenced."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import zstandard
from block_calls import (
    BLOCKS,
    begin,
    complete,
    keys_in_store,
    missing,
    name,
    named,
    references,
    refused,
    release,
    send,
    store_file,
)
from upload_stack import Stack

from docstore_contents.block_list import parse
from docstore_contents.deletion_hold import DeletionHold
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_file_in_blocks(running: Stack) -> None:
    """A file is its blocks in order, repeated ones too; completing again answers the same; events are as ever."""
    blocks = [BLOCKS[0], BLOCKS[1], BLOCKS[0]]
    upload_id = await begin(running.person, blocks)
    assert await send(running, blocks) == 2
    assert await missing(running.person, blocks) == {}
    file = await complete(running.person, upload_id, blocks)
    assert await complete(running.person, upload_id, blocks) == file
    assert await running.person.ok("POST", f"/v1/uploads/{upload_id}/complete") == file
    assert (file["sha256"], file["size"]) == (name(b"".join(blocks)), len(b"".join(blocks)))
    listed = parse(await running.store.get(await running.committed_key(upload_id)))
    contents = [zstandard.decompress(await running.store.get(block.key)) for block in listed]
    assert contents == blocks
    assert await references(running) == {name(BLOCKS[0]): 1, name(BLOCKS[1]): 1}
    assert await running.events(upload_id) == ["upload-initiated", "upload-completed"]


async def test_known_blocks_are_not_sent_again(running: Stack) -> None:
    """A file that differs in one block from another sends that one alone."""
    await store_file(running, BLOCKS)
    changed = [BLOCKS[0], b"changed", BLOCKS[2]]
    upload_id = await begin(running.person, changed)
    assert set(await missing(running.person, changed)) == {name(b"changed")}
    assert await send(running, changed) == 1
    await complete(running.person, upload_id, changed)
    assert await references(running) == {
        name(BLOCKS[0]): 2,
        name(BLOCKS[1]): 1,
        name(BLOCKS[2]): 2,
        name(b"changed"): 1,
    }


async def test_empty_file(running: Stack) -> None:
    """No block at all is a file as well."""
    upload_id = await store_file_without_blocks(running)
    assert parse(await running.store.get(await running.committed_key(upload_id))) == []


async def store_file_without_blocks(stack: Stack) -> str:
    upload_id = await begin(stack.person, [])
    assert (await complete(stack.person, upload_id, []))["size"] == 0
    return upload_id


async def test_editor_sends_into_a_shared_tree(running: Stack) -> None:
    """Blocks belong to the editor who sent them, the list to the owner, whose own blocks do not count."""
    folder, owner = new_id(), running.outsider.account_id
    running.services.metadata.owners[folder] = owner
    await store_file(running, BLOCKS[:1], running.outsider)
    content = b"".join(BLOCKS[:2])
    body = {"path": "/ours.txt", "parent_id": folder, "size": len(content), "method": "blocks"}
    upload = await running.person.ok("POST", "/v1/uploads", body | {"sha256": name(content)})
    assert await send(running, BLOCKS[:2]) == 2
    await complete(running.person, upload["id"], BLOCKS[:2])
    list_key = await running.committed_key(upload["id"])
    listed = parse(await running.store.get(list_key))
    assert list_key.startswith(f"accounts/{owner}/uploads/{upload['id']}/")
    assert all(block.key.startswith(f"accounts/{running.person.account_id}/blocks/") for block in listed)
    assert await release(running, list_key) == 204
    assert await references(running) == {name(block): 0 for block in BLOCKS[:2]}
    assert await references(replace(running, person=running.outsider)) == {name(BLOCKS[0]): 1}


async def test_release_gives_back_once(running: Stack) -> None:
    """Metadata may repeat the release of a content; what other files need is kept."""
    first = await running.committed_key(await store_file(running, BLOCKS))
    second = await running.committed_key(await store_file(running, BLOCKS[1:]))
    assert await release(running, first, first) == 204
    assert await release(running, first) == 204
    assert await references(running) == {name(BLOCKS[0]): 0, name(BLOCKS[1]): 1, name(BLOCKS[2]): 1}
    assert await running.store.head(first) is None
    assert await running.store.head(second) is not None
    assert await release(running, f"accounts/{new_id()}/uploads/{new_id()}/content") == 204


async def test_blocks_that_a_backup_holds_stay(stack: Stack) -> None:
    """Given back and long out of their grace time: list and blocks stay while deletions are held, and go after that."""
    fast = {"block_url_lifetime_seconds": 1, "sweep_delay_seconds": 0.1, "block_grace_seconds": 0.3, "lease_seconds": 1}
    prefix = f"accounts/{stack.person.account_id}/"
    hold = DeletionHold([stack.database], "backup")
    async with stack.run():
        content = await stack.committed_key(await store_file(stack, BLOCKS))
    await hold.take()
    everything = await keys_in_store(stack, prefix)
    async with stack.run(**fast):
        await release(stack, content)

        async def all_are_discarded() -> bool:
            taken = await stack.database["discarded"].find_one({"lease_owner": {"$exists": True}})
            return taken and await stack.database["discarded"].count_documents({}) == len(everything)

        await eventually(all_are_discarded)
        assert await keys_in_store(stack, prefix) == everything
        await hold.release()

        async def nothing_is_left() -> bool:
            return not await keys_in_store(stack, prefix)

        await eventually(nothing_is_left)


async def test_unneeded_blocks_are_deleted(stack: Stack) -> None:
    """After the grace time what nothing refers to is gone from the store, and can be sent again; the rest stays."""
    prefix = f"accounts/{stack.person.account_id}/blocks/"
    async with stack.run():
        kept = await store_file(stack, BLOCKS[:1])
        dropped = await stack.committed_key(await store_file(stack, BLOCKS))
        await release(stack, dropped)
    async with stack.run(block_url_lifetime_seconds=1, sweep_delay_seconds=0.1, block_grace_seconds=0.3):

        async def are_gone() -> bool:
            return len(await keys_in_store(stack, prefix)) == 1

        await eventually(are_gone)
        assert await stack.database["discarded"].count_documents({}) == 0
        listed = parse(await stack.store.get(await stack.committed_key(kept)))
        assert zstandard.decompress(await stack.store.get(listed[0].key)) == BLOCKS[0]
        assert set(await missing(stack.person, BLOCKS)) == {name(block) for block in BLOCKS[1:]}
    async with stack.run():
        again = await store_file(stack, BLOCKS)
        listed = parse(await stack.store.get(await stack.committed_key(again)))
        assert [zstandard.decompress(await stack.store.get(block.key)) for block in listed] == BLOCKS


async def test_commits_releases_and_sweeps_at_once(stack: Stack) -> None:
    """Many files that share blocks come and go while two instances collect: none that is committed is damaged."""
    fast = {
        "block_url_lifetime_seconds": 1,
        "sweep_delay_seconds": 0.01,
        "block_grace_seconds": 0.05,
        "poll_interval_seconds": 0.01,
    }
    living: dict[str, Sequence[bytes]] = {}

    async def come_and_go(number: int) -> None:
        blocks = [BLOCKS[number % 3], BLOCKS[(number + 1) % 3], b"of %d" % (number % 4)]
        upload_id = await begin(stack.person, blocks)
        for _ in range(60):
            await send_again(stack, blocks)
            answer = await stack.person.send("POST", f"/v1/uploads/{upload_id}/complete", {"blocks": named(blocks)})
            if answer.status == 200:
                break
            assert answer.json()["code"] in ("blocks_missing", "unavailable"), answer.body
        else:
            raise AssertionError("never completed")
        key = await stack.committed_key(upload_id)
        living[key] = blocks
        if number % 2:
            del living[key]
            assert await release(stack, key) == 204

    async with stack.run(**fast), stack.run(**fast):
        for first in range(0, 24, 8):
            await asyncio.gather(*(come_and_go(first + number) for number in range(8)))
    for key, blocks in living.items():
        listed = parse(await stack.store.get(key))
        assert [zstandard.decompress(await stack.store.get(block.key)) for block in listed] == list(blocks)
    expected: dict[str, int] = {}
    for blocks in living.values():
        for block in blocks:
            expected[name(block)] = expected.get(name(block), 0) + 1
    assert {block: count for block, count in (await references(stack)).items() if count} == expected


async def send_again(stack: Stack, blocks: Sequence[bytes]) -> None:
    """Others may send the same at the same time."""
    wanted = await missing(stack.person, blocks)
    for block in blocks:
        if name(block) in wanted:
            assert await stack.put(wanted[name(block)], zstandard.compress(block)) in (200, 412, 403)


async def test_batch_in_blocks(running: Stack) -> None:
    """Several files in blocks are begun and completed by one call each."""
    contents = [BLOCKS[:1], BLOCKS[1:], BLOCKS]
    ids = [await begin(running.person, blocks) for blocks in contents]
    await send(running, BLOCKS)
    uploads = [{"id": upload_id, "blocks": named(blocks)} for upload_id, blocks in zip(ids, contents, strict=True)]
    answer = await running.person.ok("POST", "/v1/uploads/complete-batch", {"uploads": uploads})
    assert [item["sha256"] for item in answer["items"]] == [name(b"".join(blocks)) for blocks in contents]


async def test_more_blocks_than_are_proved_in_time(stack: Stack) -> None:
    """Where verifying blocks takes long, the client must try again, and what was found is kept."""
    blocks = [b"block %5d" % number * 400 for number in range(600)]
    async with stack.run(complete_wait_seconds=0.001):
        upload_id = await begin(stack.person, blocks)
        wanted = await missing(stack.person, blocks)
        for start in range(0, len(blocks), 50):
            some = blocks[start : start + 50]
            await asyncio.gather(*(stack.put(wanted[name(block)], zstandard.compress(block)) for block in some))
        assert await refused(stack.person, upload_id, named(blocks)) == (503, "verifying")
        assert await stack.database["blocks"].count_documents({"state": "stored"}) == 512
        await complete(stack.person, upload_id, blocks)


async def test_touched_blocks_outlive_the_grace_time(stack: Stack) -> None:
    """Querying a block renews its lifetime: blocks that were reported as stored are there at completion."""
    async with stack.run(block_grace_seconds=3600):
        await release(stack, await stack.committed_key(await store_file(stack, BLOCKS)))
        long_ago = utc_now() - timedelta(days=2)
        await stack.database["blocks"].update_many({}, {"$set": {"touched_at": long_ago}, "$inc": {"refs": 1}})
        assert await missing(stack.person, BLOCKS) == {}
        await stack.database["blocks"].update_many({}, {"$inc": {"refs": -1}})
        upload_id = await begin(stack.person, BLOCKS)
        await complete(stack.person, upload_id, BLOCKS)
