"""Writes that differ from what a client declared, by every upload method."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import boto3
import zstandard
from block_calls import begin, missing, name, named
from botocore.config import Config
from botocore.exceptions import ClientError
from upload_stack import Client, Stack
from yarl import URL

from docstore_contents.packs import Slice, index_bytes
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually
from docstore_upload.sessions.rules import most_signed_bytes

DECLARED = b"0123456789abcdef" * 1280
"""20 KiB: what is declared. Lies are LONG."""
LONG = bytes(DECLARED * 16)
PART = 5 << 20
LIAR_FRAME = b"\x28\xb5\x2f\xfd\x20\x01"
"""The header of a frame of one byte."""


@dataclass
class UndeclaredWriter:
    """An account of its own, and the store as any HTTP client reaches it."""

    stack: Stack
    person: Client

    @classmethod
    def new(cls, stack: Stack) -> "UndeclaredWriter":
        return cls(stack, replace(stack.person, account_id=new_id()))

    async def begin(self, method: str, content: bytes = DECLARED, **wishes: Any) -> Any:
        return await self.person.initiate(method, content, **wishes)

    async def put(self, instructions: Any, content: bytes, **headers: str) -> int:
        """PUT as instructed, whatever the length; without the headers where they are None."""
        sent = {**instructions.get("headers", {}), **headers}
        sent.pop("content-length", None)
        url = URL(instructions["url"], encoded=True)
        async with self.stack.http.put(url, data=content, headers=sent) as answer:
            return int(answer.status)

    async def until_closed(self, instructions: Any, content: bytes) -> None:
        """Wait until a PUT as instructed is refused, because a tombstone is there."""

        async def is_refused() -> bool:
            return await self.put(instructions, content) == 412

        await eventually(is_refused)

    async def complete(self, upload: Any, body: Any = None) -> int:
        answer = await self.person.send("POST", f"/v1/uploads/{upload['id']}/complete", body)
        return int(answer.status)

    async def abort(self, upload: Any, kind: str = "uploads") -> None:
        await self.person.send("DELETE", f"/v1/{kind}/{upload['id']}")


UndeclaredWrite = Callable[[UndeclaredWriter], Awaitable[None]]
UNDECLARED_WRITES: dict[str, UndeclaredWrite] = {}


def undeclared_write(write: UndeclaredWrite) -> UndeclaredWrite:
    UNDECLARED_WRITES[write.__name__] = write
    return write


# --- put -----------------------------------------------------------------------------------------------------


@undeclared_write
async def put_of_another_length(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("put")
    assert await writer.put(upload["put"], LONG) == 403
    assert await writer.put(upload["put"], DECLARED[:10]) == 403
    await writer.complete(upload)


@undeclared_write
async def put_of_another_checksum(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("put", sha256=sha256(DECLARED).hexdigest())
    assert await writer.put(upload["put"], DECLARED[::-1]) == 400
    await writer.complete(upload)


@undeclared_write
async def put_to_another_key(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("put")
    moved = {**upload["put"], "url": upload["put"]["url"].replace("/content?", "/content2?")}
    assert await writer.put(moved, DECLARED) == 403
    await writer.abort(upload)


@undeclared_write
async def put_after_abort(writer: UndeclaredWriter) -> None:
    for wishes in ({}, {"sha256": sha256(DECLARED).hexdigest()}):
        upload = await writer.begin("put", **wishes)
        await writer.abort(upload)
        assert await writer.put(upload["put"], DECLARED) == 412


@undeclared_write
async def put_twice_and_after_completion(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("put")
    assert await writer.put(upload["put"], DECLARED) == 200
    assert await writer.put(upload["put"], DECLARED[::-1]) == 412
    assert await writer.complete(upload) == 200
    assert await writer.put(upload["put"], DECLARED[::-1]) == 412


@undeclared_write
async def put_that_is_never_completed(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("put")
    assert await writer.put(upload["put"], DECLARED) == 200


# --- form ----------------------------------------------------------------------------------------------------


@undeclared_write
async def form_of_another_length_or_key(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("form")
    assert (await writer.stack.post(upload["form"], LONG))[0] >= 400
    key = upload["form"]["fields"]["key"]
    assert (await writer.stack.post(upload["form"], DECLARED, key=f"{key}2"))[0] >= 400
    await writer.complete(upload)


@undeclared_write
async def form_after_abort(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("form")
    await writer.abort(upload)
    await writer.stack.post(upload["form"], DECLARED)


@undeclared_write
async def form_after_completion(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("form")
    await writer.stack.post(upload["form"], DECLARED)
    assert await writer.complete(upload) == 200
    await writer.stack.post(upload["form"], DECLARED[::-1])


# --- multipart -----------------------------------------------------------------------------------------------


@undeclared_write
async def parts_of_another_length_and_after_abort(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("multipart", LONG)
    (part,) = upload["multipart"]["parts"]
    assert await writer.put(part, LONG + b"more") == 403
    await writer.abort(upload)
    assert await writer.put(part, LONG) == 404


@undeclared_write
async def parts_after_completion(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("multipart", LONG)
    (part,) = upload["multipart"]["parts"]
    assert await writer.put(part, LONG) == 200
    assert await writer.complete(upload) == 200
    assert await writer.put(part, LONG[::-1]) == 404


@undeclared_write
async def a_part_again_and_again(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("multipart", DECLARED)
    (part,) = upload["multipart"]["parts"]
    for _ in range(20):
        assert await writer.put(part, DECLARED) == 200
    assert await writer.complete(upload) == 200


@undeclared_write
async def parts_each_as_long_as_the_file(writer: UndeclaredWriter) -> None:
    """One after the other, until the upload ends; then the URLs of those before are dead."""
    upload = await writer.begin("multipart", LONG)
    signed = []
    for number in range(1, most_signed_bytes(len(LONG)) // len(LONG) + 1):
        wish = {"numbers": [number], "sizes": [len(LONG)]}
        signed += (await writer.person.ok("POST", f"/v1/uploads/{upload['id']}/parts", wish))["parts"]
        assert await writer.put(signed[-1], LONG) == 200
    one_more = {"numbers": [len(signed) + 1], "sizes": [len(LONG)]}
    refused = await writer.person.refused("POST", f"/v1/uploads/{upload['id']}/parts", one_more)
    assert refused == (409, "upload_mismatch")
    assert await writer.put(signed[-1], LONG) == 404


@undeclared_write
async def parts_that_are_never_completed(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("multipart", LONG * 40)
    await writer.put(upload["multipart"]["parts"][0], (LONG * 40)[:PART])


# --- credentials ---------------------------------------------------------------------------------------------


def tool(instructions: Any) -> Any:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=instructions["endpoint"],
        region_name=instructions["region"],
        aws_access_key_id=instructions["access_key_id"],
        aws_secret_access_key=instructions["secret_access_key"],
        aws_session_token=instructions["session_token"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def write(instructions: Any, content: bytes, suffix: str = "") -> bool:
    try:
        tool(instructions).put_object(Bucket=instructions["bucket"], Key=instructions["key"] + suffix, Body=content)
    except ClientError:
        return False
    return True


@undeclared_write
async def credentials_of_another_length_or_key(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("credentials")
    assert not write(upload["credentials"], DECLARED, "2")
    assert not write(upload["credentials"], DECLARED, "/more")
    assert write(upload["credentials"], LONG)
    await writer.complete(upload)
    write(upload["credentials"], LONG)


@undeclared_write
async def credentials_after_abort(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("credentials")
    await writer.abort(upload)
    write(upload["credentials"], LONG)


@undeclared_write
async def credentials_after_completion(writer: UndeclaredWriter) -> None:
    upload = await writer.begin("credentials")
    assert write(upload["credentials"], DECLARED)
    assert await writer.complete(upload) == 200
    write(upload["credentials"], LONG)


@undeclared_write
async def credentials_for_parts_that_are_never_completed(writer: UndeclaredWriter) -> None:
    instructions = (await writer.begin("credentials"))["credentials"]
    where = {"Bucket": instructions["bucket"], "Key": instructions["key"]}
    begun = tool(instructions).create_multipart_upload(**where)
    tool(instructions).upload_part(**where, UploadId=begun["UploadId"], PartNumber=1, Body=LONG)


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
