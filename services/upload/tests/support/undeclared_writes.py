"""Writes of whole objects that differ from what a client declared, by every upload method, and who makes them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from upload_stack import Client, Stack
from yarl import URL

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually
from docstore_upload.sessions.rules import most_signed_bytes

DECLARED = b"0123456789abcdef" * 1280
"""20 KiB: what is declared. Lies are LONG."""
LONG = bytes(DECLARED * 16)
PART = 5 << 20


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
