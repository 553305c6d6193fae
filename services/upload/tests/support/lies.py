"""What a client can do that it did not declare, by every way to send bytes. None says what should come of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import boto3
import zstandard
from block_calls import begin, missing, name, named
from botocore.config import Config
from botocore.exceptions import ClientError
from yarl import URL

from docstore_contents.packs import Slice, index_bytes
from docstore_platform.ids import new_id

DECLARED = b"0123456789abcdef" * 1280
"""20 KiB: what is declared. Lies are LONG."""
LONG = bytes(DECLARED * 16)
PART = 5 << 20
LIAR_FRAME = b"\x28\xb5\x2f\xfd\x20\x01"
"""The header of a frame of one byte."""


@dataclass
class Liar:
    """An account of its own, and the store as any HTTP client reaches it."""

    stack: Any
    person: Any

    @classmethod
    def new(cls, stack: Any) -> "Liar":
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

    async def complete(self, upload: Any, body: Any = None) -> int:
        answer = await self.person.send("POST", f"/v1/uploads/{upload['id']}/complete", body)
        return int(answer.status)

    async def abort(self, upload: Any, kind: str = "uploads") -> None:
        await self.person.send("DELETE", f"/v1/{kind}/{upload['id']}")


Lie = Callable[[Liar], Awaitable[None]]
LIES: dict[str, Lie] = {}


def lie(told: Lie) -> Lie:
    LIES[told.__name__] = told
    return told


# --- put -----------------------------------------------------------------------------------------------------


@lie
async def put_of_another_length(liar: Liar) -> None:
    upload = await liar.begin("put")
    assert await liar.put(upload["put"], LONG) == 403
    assert await liar.put(upload["put"], DECLARED[:10]) == 403
    await liar.complete(upload)


@lie
async def put_of_another_checksum(liar: Liar) -> None:
    upload = await liar.begin("put", sha256=sha256(DECLARED).hexdigest())
    assert await liar.put(upload["put"], DECLARED[::-1]) == 400
    await liar.complete(upload)


@lie
async def put_to_another_key(liar: Liar) -> None:
    upload = await liar.begin("put")
    moved = {**upload["put"], "url": upload["put"]["url"].replace("/content?", "/content2?")}
    assert await liar.put(moved, DECLARED) == 403
    await liar.abort(upload)


@lie
async def put_after_abort(liar: Liar) -> None:
    for wishes in ({}, {"sha256": sha256(DECLARED).hexdigest()}):
        upload = await liar.begin("put", **wishes)
        await liar.abort(upload)
        assert await liar.put(upload["put"], DECLARED) == 412


@lie
async def put_twice_and_after_completion(liar: Liar) -> None:
    upload = await liar.begin("put")
    assert await liar.put(upload["put"], DECLARED) == 200
    assert await liar.put(upload["put"], DECLARED[::-1]) == 412
    assert await liar.complete(upload) == 200
    assert await liar.put(upload["put"], DECLARED[::-1]) == 412


@lie
async def put_that_is_never_completed(liar: Liar) -> None:
    upload = await liar.begin("put")
    assert await liar.put(upload["put"], DECLARED) == 200


# --- form ----------------------------------------------------------------------------------------------------


@lie
async def form_of_another_length_or_key(liar: Liar) -> None:
    upload = await liar.begin("form")
    assert (await liar.stack.post(upload["form"], LONG))[0] >= 400
    key = upload["form"]["fields"]["key"]
    assert (await liar.stack.post(upload["form"], DECLARED, key=f"{key}2"))[0] >= 400
    await liar.complete(upload)


@lie
async def form_after_abort(liar: Liar) -> None:
    upload = await liar.begin("form")
    await liar.abort(upload)
    await liar.stack.post(upload["form"], DECLARED)


@lie
async def form_after_completion(liar: Liar) -> None:
    upload = await liar.begin("form")
    await liar.stack.post(upload["form"], DECLARED)
    assert await liar.complete(upload) == 200
    await liar.stack.post(upload["form"], DECLARED[::-1])


# --- multipart -----------------------------------------------------------------------------------------------


@lie
async def parts_of_another_length_and_after_abort(liar: Liar) -> None:
    upload = await liar.begin("multipart", LONG)
    (part,) = upload["multipart"]["parts"]
    assert await liar.put(part, LONG + b"more") == 403
    await liar.abort(upload)
    assert await liar.put(part, LONG) == 404


@lie
async def parts_after_completion(liar: Liar) -> None:
    upload = await liar.begin("multipart", LONG)
    (part,) = upload["multipart"]["parts"]
    assert await liar.put(part, LONG) == 200
    assert await liar.complete(upload) == 200
    assert await liar.put(part, LONG[::-1]) == 404


@lie
async def a_part_again_and_again(liar: Liar) -> None:
    upload = await liar.begin("multipart", DECLARED)
    (part,) = upload["multipart"]["parts"]
    for _ in range(20):
        assert await liar.put(part, DECLARED) == 200
    assert await liar.complete(upload) == 200


@lie
async def parts_that_are_never_completed(liar: Liar) -> None:
    upload = await liar.begin("multipart", LONG * 40)
    await liar.put(upload["multipart"]["parts"][0], (LONG * 40)[:PART])


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


@lie
async def credentials_of_another_length_or_key(liar: Liar) -> None:
    upload = await liar.begin("credentials")
    assert not write(upload["credentials"], DECLARED, "2")
    assert not write(upload["credentials"], DECLARED, "/more")
    assert write(upload["credentials"], LONG)
    await liar.complete(upload)
    write(upload["credentials"], LONG)


@lie
async def credentials_after_abort(liar: Liar) -> None:
    upload = await liar.begin("credentials")
    await liar.abort(upload)
    write(upload["credentials"], LONG)


@lie
async def credentials_after_completion(liar: Liar) -> None:
    upload = await liar.begin("credentials")
    assert write(upload["credentials"], DECLARED)
    assert await liar.complete(upload) == 200
    write(upload["credentials"], LONG)


@lie
async def credentials_for_parts_that_are_never_completed(liar: Liar) -> None:
    instructions = (await liar.begin("credentials"))["credentials"]
    where = {"Bucket": instructions["bucket"], "Key": instructions["key"]}
    begun = tool(instructions).create_multipart_upload(**where)
    tool(instructions).upload_part(**where, UploadId=begun["UploadId"], PartNumber=1, Body=LONG)


# --- blocks --------------------------------------------------------------------------------------------------


async def sized(liar: Liar, frames: dict[str, int]) -> dict[str, Any]:
    wish = {"hashes": list(frames), "sizes": frames}
    answer = await liar.person.ok("POST", "/v1/blocks/missing", wish)
    return {item["hash"]: item for item in answer["missing"]}


async def complete_blocks(liar: Liar, blocks: list[bytes], sizes: list[int] | None = None) -> int:
    """Complete with other sizes than those of the blocks."""
    said = named(blocks)
    if sizes is not None:
        said = [{"hash": each["hash"], "size": size} for each, size in zip(said, sizes, strict=True)]
    total = sum(each["size"] for each in said)
    whole = said[0]["hash"] if len(said) == 1 else name(b"".join(blocks))
    body = {"path": f"/{new_id()}", "size": total, "method": "blocks", "sha256": whole}
    upload = await liar.person.ok("POST", "/v1/uploads", body)
    return await liar.complete(upload, {"blocks": said})


@lie
async def frames_that_hide_what_is_behind_them(liar: Liar) -> None:
    """The header says one byte; length signed or not."""
    blocks = [LONG + bytes([number]) for number in range(4)]
    frames = [LIAR_FRAME + block for block in blocks]
    unsized = await missing(liar.person, blocks[:2])
    wanted = unsized | await sized(liar, {name(block): len(frames[2]) for block in blocks[2:]})
    for block, frame in zip(blocks, frames, strict=True):
        assert await liar.put(wanted[name(block)], frame) == 200
    assert await complete_blocks(liar, blocks, [1] * len(blocks)) == 409


@lie
async def frames_with_something_behind(liar: Liar) -> None:
    blocks = [b"small" * 10, b"smaller" * 8, b"b" * 60]
    skippable = b"\x50\x2a\x4d\x18" + (1000).to_bytes(4, "little") + b"x" * 1000
    frames = [zstandard.compress(block) + rest for block, rest in zip(blocks, [LONG, skippable, b"xx"], strict=True)]
    wanted = await sized(liar, {name(block): len(frame) for block, frame in zip(blocks, frames, strict=True)})
    for block, frame in zip(blocks, frames, strict=True):
        assert await liar.put(wanted[name(block)], frame) == 200
        assert await complete_blocks(liar, [block]) == 409


@lie
async def blocks_of_another_length(liar: Liar) -> None:
    frame = zstandard.compress(DECLARED)
    wanted = await sized(liar, {name(DECLARED): len(frame)})
    assert await liar.put(wanted[name(DECLARED)], frame + LONG) == 403
    assert await liar.put({"url": wanted[name(DECLARED)]["url"]}, LONG) == 403
    await complete_blocks(liar, [DECLARED])


@lie
async def blocks_of_other_bytes(liar: Liar) -> None:
    frame = zstandard.compress(DECLARED[::-1])
    wanted = await sized(liar, {name(DECLARED): len(frame)})
    assert await liar.put(wanted[name(DECLARED)], frame) == 200
    assert await complete_blocks(liar, [DECLARED]) == 409


@lie
async def blocks_without_a_length(liar: Liar) -> None:
    """Far more than a block; after that its URL is dead, and the next must say how long they are."""
    huge = bytes(9 << 20)
    wanted = (await missing(liar.person, [b"huge"]))[name(b"huge")]
    assert await liar.put(wanted, huge) == 200
    assert await complete_blocks(liar, [b"huge"]) == 409
    answer = await liar.person.send("POST", "/v1/blocks/missing", {"hashes": [name(b"next")]})
    assert (answer.status, answer.json()["code"]) == (429, "block_sizes_required")
    assert await sized(liar, {name(b"next"): 20})


@lie
async def blocks_that_no_file_claims(liar: Liar) -> None:
    frame = zstandard.compress(DECLARED)
    wanted = (await sized(liar, {name(DECLARED): len(frame)}))[name(DECLARED)]
    assert await liar.put(wanted, frame) == 200
    assert await liar.put(wanted, frame) == 412


@lie
async def blocks_once_more_after_completion(liar: Liar) -> None:
    frame = zstandard.compress(DECLARED)
    wanted = (await sized(liar, {name(DECLARED): len(frame)}))[name(DECLARED)]
    assert await liar.put(wanted, frame) == 200
    assert await complete_blocks(liar, [DECLARED]) == 200
    assert await liar.put(wanted, frame) == 412


@lie
async def a_file_of_very_many_blocks(liar: Liar) -> None:
    """Its list would take far more than the file."""
    block = b"x"
    wanted = (await sized(liar, {name(block): 14}))[name(block)]
    await liar.put(wanted, zstandard.compress(block))
    upload = await begin(liar.person, [block] * 100)
    assert await liar.complete(upload={"id": upload}, body={"blocks": named([block] * 100)}) == 422


# --- packs ---------------------------------------------------------------------------------------------------


async def begin_pack(liar: Liar, contents: list[bytes]) -> Any:
    files = [{"path": f"/{new_id()}", "size": len(each), "sha256": sha256(each).hexdigest()} for each in contents]
    return await liar.person.ok("POST", "/v1/packs", {"files": files})


def packed(pack: Any, contents: list[bytes]) -> bytes:
    return b"".join(contents) + index_bytes([Slice(**place) for place in pack["files"]])


@lie
async def packs_of_another_length_and_after_abort(liar: Liar) -> None:
    pack = await begin_pack(liar, [DECLARED])
    assert await liar.put(pack["put"], LONG) == 403
    await liar.abort(pack, "packs")
    await liar.stack.eventually_closed(liar, pack["put"], packed(pack, [DECLARED]))


@lie
async def packs_of_other_bytes(liar: Liar) -> None:
    pack = await begin_pack(liar, [DECLARED])
    assert await liar.put(pack["put"], b"\0" * len(packed(pack, [DECLARED]))) == 200
    await liar.person.send("POST", f"/v1/packs/{pack['id']}/complete")


@lie
async def packs_of_which_one_byte_is_paid(liar: Liar) -> None:
    """The other files are not what was declared, and none of them is kept."""
    contents = [b"1", *(DECLARED + bytes([number]) for number in range(3))]
    pack = await begin_pack(liar, contents)
    wrong = [contents[0], *(content[::-1] for content in contents[1:])]
    assert await liar.put(pack["put"], packed(pack, wrong)) == 200
    answer = await liar.person.ok("POST", f"/v1/packs/{pack['id']}/complete")
    assert ["file" in each for each in answer["files"]] == [True, False, False, False]
    assert await liar.put(pack["put"], packed(pack, wrong)) == 412


@lie
async def packs_that_are_never_completed(liar: Liar) -> None:
    pack = await begin_pack(liar, [DECLARED])
    assert await liar.put(pack["put"], packed(pack, [DECLARED])) == 200
