"""Writes of blocks and packs that differ from what a client declared."""

from hashlib import sha256
from typing import Any

import zstandard
from block_calls import begin, missing, name, named
from undeclared_writes import DECLARED, LONG, UndeclaredWriter, undeclared_write

from docstore_contents.packs import Slice, index_bytes
from docstore_platform.ids import new_id

LIAR_FRAME = b"\x28\xb5\x2f\xfd\x20\x01"
"""The header of a frame of one byte."""


# --- blocks --------------------------------------------------------------------------------------------------


async def sized(writer: UndeclaredWriter, frames: dict[str, int]) -> dict[str, Any]:
    wish = {"hashes": list(frames), "sizes": frames}
    answer = await writer.person.ok("POST", "/v1/blocks/missing", wish)
    return {item["hash"]: item for item in answer["missing"]}


async def complete_blocks(writer: UndeclaredWriter, blocks: list[bytes], sizes: list[int] | None = None) -> int:
    """Complete with other sizes than those of the blocks."""
    listed_blocks = named(blocks)
    if sizes is not None:
        listed_blocks = [{"hash": each["hash"], "size": size} for each, size in zip(listed_blocks, sizes, strict=True)]
    total = sum(each["size"] for each in listed_blocks)
    whole = listed_blocks[0]["hash"] if len(listed_blocks) == 1 else name(b"".join(blocks))
    body = {"path": f"/{new_id()}", "size": total, "method": "blocks", "sha256": whole}
    upload = await writer.person.ok("POST", "/v1/uploads", body)
    return await writer.complete(upload, {"blocks": listed_blocks})


@undeclared_write
async def frames_that_hide_what_is_behind_them(writer: UndeclaredWriter) -> None:
    """The header declares one byte; length signed or not."""
    blocks = [LONG + bytes([number]) for number in range(4)]
    frames = [LIAR_FRAME + block for block in blocks]
    unsized = await missing(writer.person, blocks[:2])
    wanted = unsized | await sized(writer, {name(block): len(frames[2]) for block in blocks[2:]})
    for block, frame in zip(blocks, frames, strict=True):
        assert await writer.put(wanted[name(block)], frame) == 200
    assert await complete_blocks(writer, blocks, [1] * len(blocks)) == 409


@undeclared_write
async def frames_with_something_behind(writer: UndeclaredWriter) -> None:
    blocks = [b"small" * 10, b"smaller" * 8, b"b" * 60]
    skippable = b"\x50\x2a\x4d\x18" + (1000).to_bytes(4, "little") + b"x" * 1000
    frames = [zstandard.compress(block) + rest for block, rest in zip(blocks, [LONG, skippable, b"xx"], strict=True)]
    wanted = await sized(writer, {name(block): len(frame) for block, frame in zip(blocks, frames, strict=True)})
    for block, frame in zip(blocks, frames, strict=True):
        assert await writer.put(wanted[name(block)], frame) == 200
        assert await complete_blocks(writer, [block]) == 409


@undeclared_write
async def blocks_of_another_length(writer: UndeclaredWriter) -> None:
    frame = zstandard.compress(DECLARED)
    wanted = await sized(writer, {name(DECLARED): len(frame)})
    assert await writer.put(wanted[name(DECLARED)], frame + LONG) == 403
    assert await writer.put({"url": wanted[name(DECLARED)]["url"]}, LONG) == 403
    await complete_blocks(writer, [DECLARED])


@undeclared_write
async def blocks_of_other_bytes(writer: UndeclaredWriter) -> None:
    frame = zstandard.compress(DECLARED[::-1])
    wanted = await sized(writer, {name(DECLARED): len(frame)})
    assert await writer.put(wanted[name(DECLARED)], frame) == 200
    assert await complete_blocks(writer, [DECLARED]) == 409


@undeclared_write
async def blocks_without_a_length(writer: UndeclaredWriter) -> None:
    """Far more than a block; after that its URL is dead, and the next queries must declare lengths."""
    huge = bytes(9 << 20)
    wanted = (await missing(writer.person, [b"huge"]))[name(b"huge")]
    assert await writer.put(wanted, huge) == 200
    assert await complete_blocks(writer, [b"huge"]) == 409
    answer = await writer.person.send("POST", "/v1/blocks/missing", {"hashes": [name(b"next")]})
    assert (answer.status, answer.json()["code"]) == (429, "block_sizes_required")
    assert await sized(writer, {name(b"next"): 20})


@undeclared_write
async def blocks_that_no_file_claims(writer: UndeclaredWriter) -> None:
    frame = zstandard.compress(DECLARED)
    wanted = (await sized(writer, {name(DECLARED): len(frame)}))[name(DECLARED)]
    assert await writer.put(wanted, frame) == 200
    assert await writer.put(wanted, frame) == 412


@undeclared_write
async def blocks_once_more_after_completion(writer: UndeclaredWriter) -> None:
    frame = zstandard.compress(DECLARED)
    wanted = (await sized(writer, {name(DECLARED): len(frame)}))[name(DECLARED)]
    assert await writer.put(wanted, frame) == 200
    assert await complete_blocks(writer, [DECLARED]) == 200
    assert await writer.put(wanted, frame) == 412


@undeclared_write
async def a_file_of_very_many_blocks(writer: UndeclaredWriter) -> None:
    """Its list would take far more than the file."""
    block = b"x"
    wanted = (await sized(writer, {name(block): 14}))[name(block)]
    await writer.put(wanted, zstandard.compress(block))
    upload = await begin(writer.person, [block] * 100)
    assert await writer.complete(upload={"id": upload}, body={"blocks": named([block] * 100)}) == 422


# --- packs ---------------------------------------------------------------------------------------------------


async def begin_pack(writer: UndeclaredWriter, contents: list[bytes]) -> Any:
    files = [{"path": f"/{new_id()}", "size": len(each), "sha256": sha256(each).hexdigest()} for each in contents]
    return await writer.person.ok("POST", "/v1/packs", {"files": files})


def packed(pack: Any, contents: list[bytes]) -> bytes:
    return b"".join(contents) + index_bytes([Slice(**place) for place in pack["files"]])


@undeclared_write
async def packs_of_another_length_and_after_abort(writer: UndeclaredWriter) -> None:
    pack = await begin_pack(writer, [DECLARED])
    assert await writer.put(pack["put"], LONG) == 403
    await writer.abort(pack, "packs")
    await writer.until_closed(pack["put"], packed(pack, [DECLARED]))


@undeclared_write
async def packs_of_other_bytes(writer: UndeclaredWriter) -> None:
    pack = await begin_pack(writer, [DECLARED])
    assert await writer.put(pack["put"], b"\0" * len(packed(pack, [DECLARED]))) == 200
    await writer.person.send("POST", f"/v1/packs/{pack['id']}/complete")


async def send_partly_wrong(writer: UndeclaredWriter, paid: bytes, unpaid: list[bytes]) -> None:
    """Send a pack whose other files are not what was declared: none of them is kept."""
    pack = await begin_pack(writer, [paid, *unpaid])
    wrong = packed(pack, [paid, *(content[::-1] for content in unpaid)])
    assert await writer.put(pack["put"], wrong) == 200
    answer = await writer.person.ok("POST", f"/v1/packs/{pack['id']}/complete")
    assert ["file" in each for each in answer["files"]] == [True, *(False for _ in unpaid)]
    assert await writer.put(pack["put"], wrong) == 412


@undeclared_write
async def packs_of_which_one_byte_is_paid(writer: UndeclaredWriter) -> None:
    await send_partly_wrong(writer, b"1", [DECLARED + bytes([number]) for number in range(3)])


@undeclared_write
async def small_packs_of_which_one_byte_is_paid(writer: UndeclaredWriter) -> None:
    await send_partly_wrong(writer, b"1", [DECLARED[:12_000]])


@undeclared_write
async def packs_of_which_just_over_half_is_paid(writer: UndeclaredWriter) -> None:
    await send_partly_wrong(writer, (DECLARED * 3)[:55_000], [(DECLARED * 3)[:45_000]])


@undeclared_write
async def packs_that_are_never_completed(writer: UndeclaredWriter) -> None:
    pack = await begin_pack(writer, [DECLARED])
    assert await writer.put(pack["put"], packed(pack, [DECLARED])) == 200
