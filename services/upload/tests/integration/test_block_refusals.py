"""Contents in blocks on real servers: refused if not as declared, or of another account."""

from typing import Any

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
    send,
    store_file,
)
from upload_stack import Stack

from docstore_contents.block_list import MAX_BLOCK_BYTES, parse
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_another_accounts_block_is_reported_as_missing(running: Stack) -> None:
    """Who knows the hash of another's block learns nothing by it and gets nothing for it."""
    await store_file(running, BLOCKS)
    assert set(await missing(running.outsider, BLOCKS)) == {name(block) for block in BLOCKS}
    upload_id = await begin(running.outsider, BLOCKS)
    answer = await running.outsider.send("POST", f"/v1/uploads/{upload_id}/complete", {"blocks": named(BLOCKS)})
    assert (answer.status, answer.json()["code"]) == (409, "blocks_missing")
    assert set(answer.json()["hashes"]) == {name(block) for block in BLOCKS}
    assert await refused(running.outsider, await begin(running.person, BLOCKS), named(BLOCKS)) == (404, "not_found")


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
async def test_blocks_that_do_not_make_the_file(running: Stack, said: list[Any]) -> None:
    """The sizes must be those of the blocks and add up; a refusal leaves the upload open for the right list."""
    upload_id = await begin(running.person, BLOCKS)
    await send(running, BLOCKS)
    assert await refused(running.person, upload_id, said) == (422, "invalid_blocks")
    await complete(running.person, upload_id, BLOCKS)


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
async def test_bad_requests(running: Stack, path: str, body: Any) -> None:
    """What is no hash, no size or too many is refused before anything is looked for."""
    upload_id = await begin(running.person, BLOCKS)
    assert await running.person.refused("POST", path.format(upload_id), body) == (422, "invalid_request")
    assert await references(running) == {}


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
async def test_frames_that_are_no_valid_block_count_as_missing(running: Stack, frame: bytes) -> None:
    """An object that is no frame of a known, allowed size counts as missing; it is sent again under another key."""
    upload_id = await begin(running.person, BLOCKS[:1])
    wanted = (await missing(running.person, BLOCKS[:1]))[name(BLOCKS[0])]
    assert await running.put(wanted, frame) == 200
    assert await refused(running.person, upload_id, named(BLOCKS[:1])) == (409, "blocks_missing")
    again = (await missing(running.person, BLOCKS[:1]))[name(BLOCKS[0])]
    assert again["url"].partition("?")[0] != wanted["url"].partition("?")[0]
    assert await send(running, BLOCKS[:1]) == 1
    await complete(running.person, upload_id, BLOCKS[:1])
    assert await running.database["discarded"].count_documents(running.persons) == 1


async def test_block_of_another_size_than_named(running: Stack) -> None:
    """A frame of other bytes under a name is not taken for a block of the size that the client names."""
    upload_id = await begin(running.person, BLOCKS[:1])
    wanted = (await missing(running.person, BLOCKS[:1]))[name(BLOCKS[0])]
    assert await running.put(wanted, zstandard.compress(BLOCKS[1])) == 200
    assert await refused(running.person, upload_id, named(BLOCKS[:1])) == (422, "invalid_blocks")


async def test_block_is_written_once(running: Stack) -> None:
    """The URL of a verified block can't change it any more; 412 means that the block is there."""
    upload_id = await begin(running.person, BLOCKS[:1])
    wanted = (await missing(running.person, BLOCKS[:1]))[name(BLOCKS[0])]
    assert await running.put(wanted, zstandard.compress(BLOCKS[0])) == 200
    assert await running.put(wanted, b"something else") == 412
    await complete(running.person, upload_id, BLOCKS[:1])
    assert await running.put(wanted, b"something else") == 412
    assert await running.put({"url": wanted["url"]}, b"without the condition") == 403
    listed = parse(await running.store.get(await running.committed_key(upload_id)))
    assert zstandard.decompress(await running.store.get(listed[0].key)) == BLOCKS[0]


async def test_upload_that_is_over(stack: Stack) -> None:
    """Neither an expired nor an aborted upload is completed with blocks, whether or not they are there."""
    async with stack.run(lifetime_seconds=0.5):
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


async def test_without_blocks_named_it_is_incomplete(running: Stack) -> None:
    """No one but the client knows what the file is made of."""
    upload_id = await begin(running.person, BLOCKS)
    await send(running, BLOCKS)
    answer = await running.person.refused("POST", f"/v1/uploads/{upload_id}/complete")
    assert answer == (409, "upload_incomplete")


async def test_refused_by_metadata_gives_blocks_back(running: Stack) -> None:
    """A commit that is refused for good leaves neither references nor a list behind."""
    running.services.metadata.refusals["/gone"] = {"status": 409, "code": "target_gone", "detail": "Gone."}
    upload_id = await begin(running.person, BLOCKS, path="/gone")
    await send(running, BLOCKS)
    assert await refused(running.person, upload_id, named(BLOCKS)) == (409, "target_gone")
    prefix = f"accounts/{running.person.account_id}/uploads/{upload_id}/"

    async def is_clean() -> bool:
        given_back = await references(running) == {name(block): 0 for block in BLOCKS}
        return given_back and not await keys_in_store(running, prefix)

    await eventually(is_clean)
    assert await running.events(upload_id) == ["upload-initiated", "upload-aborted"]
