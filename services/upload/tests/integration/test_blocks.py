"""Content in blocks on real servers: sent once, completed once, refused when it is not what was said, collected."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import zstandard

from docstore_platform.block_list import MAX_BLOCK_BYTES, parse
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

BLOCKS = [b"first block " * 900, b"second block " * 700, b"third block " * 50]


def name(block: bytes) -> str:
    return sha256(block).hexdigest()


def named(blocks: Sequence[bytes]) -> list[Any]:
    return [{"hash": name(block), "size": len(block)} for block in blocks]


async def begin(person: Any, blocks: Sequence[bytes], **extra: Any) -> str:
    content = b"".join(blocks)
    upload = await person.initiate("blocks", content, sha256=name(content), **extra)
    assert upload["blocks"] == {}
    return str(upload["id"])


async def missing(person: Any, blocks: Sequence[bytes]) -> dict[str, Any]:
    answer = await person.ok("POST", "/v1/blocks/missing", {"hashes": [name(block) for block in blocks]})
    return {item["hash"]: item for item in answer["missing"]}


async def send(stack: Any, blocks: Sequence[bytes], person: Any = None) -> int:
    """What is missing of these; how many that were."""
    wanted = await missing(person or stack.person, blocks)
    for block in {name(block): block for block in blocks}.values():
        if name(block) in wanted:
            assert await stack.put(wanted[name(block)], zstandard.compress(block)) == 200
    return len(wanted)


async def complete(person: Any, upload_id: str, blocks: Sequence[bytes]) -> Any:
    return await person.ok("POST", f"/v1/uploads/{upload_id}/complete", {"blocks": named(blocks)})


async def refused(person: Any, upload_id: str, blocks: list[Any]) -> Any:
    return await person.refused("POST", f"/v1/uploads/{upload_id}/complete", {"blocks": blocks})


async def store_file(stack: Any, blocks: Sequence[bytes], person: Any = None, **extra: Any) -> str:
    """The id of a completed upload of a file made of these blocks."""
    upload_id = await begin(person or stack.person, blocks, **extra)
    await send(stack, blocks, person)
    await complete(person or stack.person, upload_id, blocks)
    return upload_id


async def references(stack: Any) -> dict[str, int]:
    rows = await stack.database["blocks"].find().to_list(None)
    return {row["_id"].rpartition(".")[2]: row["refs"] for row in rows}


async def release(stack: Any, *keys: str) -> int:
    headers = {
        "authorization": f"Bearer {stack.infra.internal_secret.get_secret_value()}",
        "content-type": "application/json",
    }
    body = b'{"keys":[' + b",".join(b'"%b"' % key.encode() for key in keys) + b"]}"
    answer = await stack.transport().send("POST", "/internal/contents/release", headers, body)
    return int(answer.status)


async def keys_in_store(stack: Any, prefix: str) -> set[str]:
    page = await stack.store.transport.call("list_objects_v2", Prefix=prefix)
    return {item["Key"] for item in page.get("Contents", [])}


async def test_file_in_blocks(stack: Any) -> None:
    """A file is its blocks in order, repeated ones too; completing again answers the same; events are as ever."""
    blocks = [BLOCKS[0], BLOCKS[1], BLOCKS[0]]
    async with stack.run():
        upload_id = await begin(stack.person, blocks)
        assert await send(stack, blocks) == 2
        assert await missing(stack.person, blocks) == {}
        file = await complete(stack.person, upload_id, blocks)
        assert await complete(stack.person, upload_id, blocks) == file
        assert await stack.person.ok("POST", f"/v1/uploads/{upload_id}/complete") == file
        assert (file["sha256"], file["size"]) == (name(b"".join(blocks)), len(b"".join(blocks)))
    listed = parse(await stack.store.get(await stack.committed_key(upload_id)))
    contents = [zstandard.decompress(await stack.store.get(block.key)) for block in listed]
    assert contents == blocks
    assert await references(stack) == {name(BLOCKS[0]): 1, name(BLOCKS[1]): 1}
    assert await stack.events(upload_id) == ["upload-initiated", "upload-completed"]


async def test_known_blocks_are_not_sent_again(stack: Any) -> None:
    """A file that differs in one block from another sends that one alone."""
    async with stack.run():
        await store_file(stack, BLOCKS)
        changed = [BLOCKS[0], b"changed", BLOCKS[2]]
        upload_id = await begin(stack.person, changed)
        assert set(await missing(stack.person, changed)) == {name(b"changed")}
        assert await send(stack, changed) == 1
        await complete(stack.person, upload_id, changed)
    assert await references(stack) == {name(BLOCKS[0]): 2, name(BLOCKS[1]): 1, name(BLOCKS[2]): 2, name(b"changed"): 1}


async def test_empty_file(stack: Any) -> None:
    """No block at all is a file as well."""
    async with stack.run():
        upload_id = await store_file_without_blocks(stack)
    assert parse(await stack.store.get(await stack.committed_key(upload_id))) == []


async def store_file_without_blocks(stack: Any) -> str:
    upload_id = await begin(stack.person, [])
    assert (await complete(stack.person, upload_id, []))["size"] == 0
    return upload_id


async def test_strangers_block_is_merely_missing(stack: Any) -> None:
    """Who knows the hash of another's block learns nothing by it and gets nothing for it."""
    async with stack.run():
        await store_file(stack, BLOCKS)
        assert set(await missing(stack.stranger, BLOCKS)) == {name(block) for block in BLOCKS}
        upload_id = await begin(stack.stranger, BLOCKS)
        answer = await stack.stranger.send("POST", f"/v1/uploads/{upload_id}/complete", {"blocks": named(BLOCKS)})
        assert (answer.status, answer.json()["code"]) == (409, "blocks_missing")
        assert set(answer.json()["hashes"]) == {name(block) for block in BLOCKS}
        assert await refused(stack.stranger, await begin(stack.person, BLOCKS), named(BLOCKS)) == (404, "not_found")


async def test_editor_sends_into_a_shared_tree(stack: Any) -> None:
    """Blocks lie with the editor who sent them, the list with the owner; the owner's own blocks don't count."""
    folder, owner = new_id(), stack.stranger.account_id
    stack.peers.metadata.owners[folder] = owner
    async with stack.run():
        await store_file(stack, BLOCKS[:1], stack.stranger)
        content = b"".join(BLOCKS[:2])
        body = {"path": "/ours.txt", "parent_id": folder, "size": len(content), "method": "blocks"}
        upload = await stack.person.ok("POST", "/v1/uploads", body | {"sha256": name(content)})
        assert await send(stack, BLOCKS[:2]) == 2
        await complete(stack.person, upload["id"], BLOCKS[:2])
        list_key = await stack.committed_key(upload["id"])
        listed = parse(await stack.store.get(list_key))
        assert list_key.startswith(f"accounts/{owner}/uploads/{upload['id']}/")
        assert all(block.key.startswith(f"accounts/{stack.person.account_id}/blocks/") for block in listed)
        assert await release(stack, list_key) == 204
    rows = {row["_id"]: row["refs"] for row in await stack.database["blocks"].find().to_list(None)}
    editors = {f"{stack.person.account_id}.{name(block)}": 0 for block in BLOCKS[:2]}
    assert rows == editors | {f"{owner}.{name(BLOCKS[0])}": 1}


@pytest.mark.parametrize(
    "said",
    [
        named(BLOCKS[:2]),
        named(BLOCKS + BLOCKS[:1]),
        [*named(BLOCKS[:2]), {"hash": name(BLOCKS[2]), "size": len(BLOCKS[2]) + 1}],
        [{"hash": name(b"".join(BLOCKS)), "size": len(b"".join(BLOCKS)) - 1}, {"hash": name(b"x"), "size": 1}] * 2,
        [
            {"hash": name(BLOCKS[0]), "size": len(BLOCKS[0]) - 5},
            {"hash": name(BLOCKS[1]), "size": len(BLOCKS[1]) + 5},
            *named(BLOCKS[2:]),
        ],
        [{"hash": name(BLOCKS[0]), "size": len(b"".join(BLOCKS))}],
        [],
    ],
    ids=["too few", "too many", "wrong sum", "two sums", "wrong sizes", "not the only one", "none"],
)
async def test_blocks_that_do_not_make_the_file(stack: Any, said: list[Any]) -> None:
    """The sizes must be those of the blocks and add up; a refusal leaves the upload open for the right list."""
    async with stack.run():
        upload_id = await begin(stack.person, BLOCKS)
        await send(stack, BLOCKS)
        assert await refused(stack.person, upload_id, said) == (422, "invalid_blocks")
        await complete(stack.person, upload_id, BLOCKS)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/blocks/missing", {"hashes": []}),
        ("/v1/blocks/missing", {"hashes": [name(b"x")] * 1001}),
        ("/v1/blocks/missing", {"hashes": [name(b"x").upper()]}),
        ("/v1/blocks/missing", {"hashes": [name(b"x") + "\n"]}),
        ("/v1/blocks/missing", {"hashes": [name(b"x")[1:]]}),
        ("/v1/blocks/missing", {"hashes": ["../" * 21 + "a"]}),
        ("/v1/blocks/missing", {"hashes": [7]}),
        ("/v1/blocks/missing", {}),
        ("/v1/uploads/{}/complete", {"blocks": [{"hash": name(b"x"), "size": 0}]}),
        ("/v1/uploads/{}/complete", {"blocks": [{"hash": name(b"x"), "size": -1}]}),
        ("/v1/uploads/{}/complete", {"blocks": [{"hash": name(b"x"), "size": MAX_BLOCK_BYTES + 1}]}),
        ("/v1/uploads/{}/complete", {"blocks": [{"hash": name(b"x"), "size": 1.5}]}),
        ("/v1/uploads/{}/complete", {"blocks": [{"hash": name(b"x"), "size": True}]}),
        ("/v1/uploads/{}/complete", {"blocks": [{"hash": "x", "size": 1}]}),
        ("/v1/uploads/{}/complete", {"blocks": [{"size": 1}]}),
        ("/v1/uploads/{}/complete", {"blocks": [{"hash": name(b"x"), "size": 1}] * 100_001}),
        ("/v1/uploads/{}/complete", {"blocks": {"hash": name(b"x")}}),
    ],
)
async def test_bad_requests(stack: Any, path: str, body: Any) -> None:
    """What is no hash, no size or too many is refused before anything is looked for."""
    async with stack.run():
        upload_id = await begin(stack.person, BLOCKS)
        assert await stack.person.refused("POST", path.format(upload_id), body) == (422, "invalid_request")
    assert await references(stack) == {}


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"no zstd at all",
        zstandard.compress(BLOCKS[0])[:3],
        zstandard.ZstdCompressor(write_content_size=False).compress(BLOCKS[0]),
        zstandard.compress(b"\0" * (MAX_BLOCK_BYTES + 1)),
        zstandard.compress(b""),
        b"\x50\x2a\x4d\x18" + len(BLOCKS[0]).to_bytes(4, "little") + BLOCKS[0],
    ],
    ids=["empty", "other bytes", "cut", "no size", "unpacks to too much", "of nothing", "skippable frame"],
)
async def test_what_is_no_block(stack: Any, frame: bytes) -> None:
    """An object that is no frame of a known, allowed size counts as missing; it is sent again under another key."""
    async with stack.run():
        upload_id = await begin(stack.person, BLOCKS[:1])
        wanted = (await missing(stack.person, BLOCKS[:1]))[name(BLOCKS[0])]
        assert await stack.put(wanted, frame) == 200
        assert await refused(stack.person, upload_id, named(BLOCKS[:1])) == (409, "blocks_missing")
        again = (await missing(stack.person, BLOCKS[:1]))[name(BLOCKS[0])]
        assert again["url"].partition("?")[0] != wanted["url"].partition("?")[0]
        assert await send(stack, BLOCKS[:1]) == 1
        await complete(stack.person, upload_id, BLOCKS[:1])
    assert await stack.database["discarded"].count_documents({}) == 1


async def test_block_of_another_size_than_named(stack: Any) -> None:
    """A frame of other bytes under a name is not taken for a block of the size that the client names."""
    async with stack.run():
        upload_id = await begin(stack.person, BLOCKS[:1])
        wanted = (await missing(stack.person, BLOCKS[:1]))[name(BLOCKS[0])]
        assert await stack.put(wanted, zstandard.compress(BLOCKS[1])) == 200
        assert await refused(stack.person, upload_id, named(BLOCKS[:1])) == (422, "invalid_blocks")


async def test_block_is_written_once(stack: Any) -> None:
    """Whoever still has the URL of a block can't change what was looked at; 412 says that the block is there."""
    async with stack.run():
        upload_id = await begin(stack.person, BLOCKS[:1])
        wanted = (await missing(stack.person, BLOCKS[:1]))[name(BLOCKS[0])]
        assert await stack.put(wanted, zstandard.compress(BLOCKS[0])) == 200
        assert await stack.put(wanted, b"something else") == 412
        await complete(stack.person, upload_id, BLOCKS[:1])
        assert await stack.put(wanted, b"something else") == 412
        assert await stack.put({"url": wanted["url"]}, b"without the condition") == 403
    listed = parse(await stack.store.get(await stack.committed_key(upload_id)))
    assert zstandard.decompress(await stack.store.get(listed[0].key)) == BLOCKS[0]


async def test_upload_that_is_over(stack: Any) -> None:
    """Neither an expired nor an aborted upload is completed with blocks, whether or not they are there."""
    async with stack.run(expiry_seconds=0.5):
        expired = await begin(stack.person, BLOCKS)
        await send(stack, BLOCKS)

        async def is_expired() -> bool:
            return (await stack.person.ok("GET", f"/v1/uploads/{expired}"))["state"] == "expired"

        await eventually(is_expired)
        assert await refused(stack.person, expired, named(BLOCKS)) == (409, "upload_expired")
    async with stack.run():
        aborted = await begin(stack.person, BLOCKS)
        await stack.person.ok("DELETE", f"/v1/uploads/{aborted}")
        assert await refused(stack.person, aborted, named(BLOCKS)) == (409, "upload_aborted")
    assert set((await references(stack)).values()) == {0}


async def test_without_blocks_named_it_is_incomplete(stack: Any) -> None:
    """Nobody but the client knows what the file is made of."""
    async with stack.run():
        upload_id = await begin(stack.person, BLOCKS)
        await send(stack, BLOCKS)
        answer = await stack.person.refused("POST", f"/v1/uploads/{upload_id}/complete")
        assert answer == (409, "upload_incomplete")


async def test_refused_by_metadata_gives_blocks_back(stack: Any) -> None:
    """A commit that is refused for good leaves neither references nor a list behind."""
    stack.peers.metadata.refusals["/gone"] = {"status": 409, "code": "target_gone", "detail": "Gone."}
    async with stack.run():
        upload_id = await begin(stack.person, BLOCKS, path="/gone")
        await send(stack, BLOCKS)
        assert await refused(stack.person, upload_id, named(BLOCKS)) == (409, "target_gone")
        assert await references(stack) == {name(block): 0 for block in BLOCKS}
        prefix = f"accounts/{stack.person.account_id}/uploads/{upload_id}/"

        async def is_clean() -> bool:
            return not await keys_in_store(stack, prefix)

        await eventually(is_clean)
    assert await stack.events(upload_id) == ["upload-initiated", "upload-aborted"]


async def test_release_gives_back_once(stack: Any) -> None:
    """Metadata may say again that no version has a content; what other files need is kept."""
    async with stack.run():
        first = await stack.committed_key(await store_file(stack, BLOCKS))
        second = await stack.committed_key(await store_file(stack, BLOCKS[1:]))
        assert await release(stack, first, first) == 204
        assert await release(stack, first) == 204
        assert await references(stack) == {name(BLOCKS[0]): 0, name(BLOCKS[1]): 1, name(BLOCKS[2]): 1}
        assert await stack.store.head(first) is None
        assert await stack.store.head(second) is not None
        assert await release(stack, f"accounts/{new_id()}/uploads/{new_id()}/content") == 422


async def test_unneeded_blocks_are_deleted(stack: Any) -> None:
    """After the grace time what nothing refers to is gone from the store, and can be sent again; the rest stays."""
    fast = {"block_url_seconds": 1, "sweep_seconds": 0.1, "block_grace_seconds": 0.3}
    prefix = f"accounts/{stack.person.account_id}/blocks/"
    async with stack.run(**fast):
        kept = await store_file(stack, BLOCKS[:1])
        dropped = await stack.committed_key(await store_file(stack, BLOCKS))
        await release(stack, dropped)

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


async def test_commits_releases_and_sweeps_at_once(stack: Any) -> None:
    """Many files that share blocks come and go while two instances collect: none that is committed is damaged."""
    fast = {"block_url_seconds": 1, "sweep_seconds": 0.01, "block_grace_seconds": 0.05, "poll_seconds": 0.01}
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
        for first in range(0, 40, 8):
            await asyncio.gather(*(come_and_go(first + number) for number in range(8)))
    for key, blocks in living.items():
        listed = parse(await stack.store.get(key))
        assert [zstandard.decompress(await stack.store.get(block.key)) for block in listed] == list(blocks)
    expected: dict[str, int] = {}
    for blocks in living.values():
        for block in blocks:
            expected[name(block)] = expected.get(name(block), 0) + 1
    assert {block: count for block, count in (await references(stack)).items() if count} == expected


async def send_again(stack: Any, blocks: Sequence[bytes]) -> None:
    """Others may send the same at the same time."""
    wanted = await missing(stack.person, blocks)
    for block in blocks:
        if name(block) in wanted:
            assert await stack.put(wanted[name(block)], zstandard.compress(block)) in (200, 412, 403)


async def test_batch_in_blocks(stack: Any) -> None:
    """Several files in blocks are begun and completed by one call each."""
    async with stack.run():
        contents = [BLOCKS[:1], BLOCKS[1:], BLOCKS]
        ids = [await begin(stack.person, blocks) for blocks in contents]
        await send(stack, BLOCKS)
        uploads = [{"id": upload_id, "blocks": named(blocks)} for upload_id, blocks in zip(ids, contents, strict=True)]
        answer = await stack.person.ok("POST", "/v1/uploads/complete-batch", {"uploads": uploads})
    assert [item["sha256"] for item in answer["items"]] == [name(b"".join(blocks)) for blocks in contents]


async def test_more_blocks_than_are_proved_in_time(stack: Any) -> None:
    """Where looking at the blocks takes long the client is told to ask again, and what was found is kept."""
    blocks = [b"block %d" % number for number in range(600)]
    async with stack.run(complete_wait_seconds=0.001):
        upload_id = await begin(stack.person, blocks)
        wanted = await missing(stack.person, blocks)
        for start in range(0, len(blocks), 50):
            some = blocks[start : start + 50]
            await asyncio.gather(*(stack.put(wanted[name(block)], zstandard.compress(block)) for block in some))
        assert await refused(stack.person, upload_id, named(blocks)) == (503, "verifying")
        assert await stack.database["blocks"].count_documents({"state": "stored"}) == 512
        await complete(stack.person, upload_id, blocks)


async def test_touched_blocks_outlive_the_grace_time(stack: Any) -> None:
    """To ask for a block renews its time: what a client was told to be there is there when it completes."""
    async with stack.run(block_grace_seconds=3600):
        await release(stack, await stack.committed_key(await store_file(stack, BLOCKS)))
        long_ago = utc_now() - timedelta(days=2)
        await stack.database["blocks"].update_many({}, {"$set": {"touched_at": long_ago}, "$inc": {"refs": 1}})
        assert await missing(stack.person, BLOCKS) == {}
        await stack.database["blocks"].update_many({}, {"$inc": {"refs": -1}})
        upload_id = await begin(stack.person, BLOCKS)
        await complete(stack.person, upload_id, BLOCKS)
