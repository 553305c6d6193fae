"""Files in chunks, as ownCloud's and Nextcloud's clients send large ones: a PUT of each, named after the file.

A chunk is a part of a multipart upload, so it is stored when it is acknowledged, and an upload that breaks off expires.
The upload belongs to the client's transfer number, whichever gateway each chunk reaches.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import orjson
from starlette.types import Send

from docstore_gateway.dav.protocol.headers import Target, bad_request
from docstore_gateway.dav.protocol.request import DavRequest
from docstore_gateway.dav.protocol.resources import Resource
from docstore_gateway.dav.reading.contents import file_headers
from docstore_gateway.dav.uploads.body import Body, Checksum, mismatch
from docstore_gateway.dav.uploads.uploading import Uploader, put_target
from docstore_gateway.responses import CapturedResponse
from docstore_platform.errors import Conflict, PreconditionFailed
from docstore_platform.http.body_limits import MAX_LENGTH_DIGITS

_CHUNK = re.compile(r"(.+)-chunking-([0-9]{1,20})-([0-9]{1,5})-([0-9]{1,5})", re.DOTALL)
SHOWN_HEADERS = (b"etag", b"oc-etag", b"oc-fileid", b"last-modified", b"oc-checksum")
TRIES, PAUSE_SECONDS = 50, 0.2


async def put_chunk(request: DavRequest, size: int | None) -> None:
    """Store a chunk; the response to the one that completes the file has the file's ETag."""
    match = _CHUNK.fullmatch(request.target.path)
    if match is None or size is None:
        raise bad_request("A chunk has Content-Length and a name NAME-chunking-ID-COUNT-NUMBER.")
    total = total_length(request)
    path, transfer, count, number = match[1], match[2], int(match[3]), int(match[4])
    part_size = part_size_of(total, size, count, number)
    target = await put_target(request, Target(request.target.mount, path))
    wanted = {**target.request, "size": total, "method": "multipart", "part_size": part_size}

    async def initiate(send: Send) -> None:
        await request.api.forward("upload", "POST", "/v1/uploads", send, body=wanted)

    key = f"{transfer}:{sha256(path.encode()).hexdigest()}"
    upload = (await started(request, key, orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS), initiate)).json()
    route = f"/v1/uploads/{upload['id']}"
    wanted_part = {"numbers": [number + 1]} | declared(request)
    [part] = (await request.api.send("upload", "POST", f"{route}/parts", wanted_part))["parts"]
    if part["size"] != size:
        raise bad_request("The chunk has another length than its place in the file.", "wrong_length")
    body = Body(request.receive)
    await request.doors.urls.put(part["url"], {}, body.stream(size), size)
    state = await request.api.get("upload", route)
    if "multipart" in state and len(state["multipart"]["sent"]) < count:
        await request.respond(201)
        return
    try:
        file = await complete(request, upload["id"])
    except Conflict as error:
        if error.code != "upload_incomplete":
            raise
        await request.respond(201)
        return
    await respond_stored(request, target.resource, file)


async def complete(request: DavRequest, upload_id: str) -> Any:
    """Make the chunks that are stored a file. Conflict `upload_incomplete` if some are missing."""
    try:
        return await Uploader(request.api, request.doors.urls).complete(upload_id, None)
    except Conflict as error:
        if error.code == "version_conflict":
            raise PreconditionFailed("It was changed by another person meanwhile.", code=error.code) from None
        if error.code == "upload_mismatch":
            raise mismatch() from None
        raise


def total_length(request: DavRequest) -> int:
    """The length of the whole file, which each chunk names; 400 without it."""
    total = request.header(b"oc-total-length") or ""
    if not (total.isascii() and total.isdigit() and len(total) <= MAX_LENGTH_DIGITS):
        raise bad_request("A chunk has the length of the whole file in OC-Total-Length.")
    return int(total)


def declared(request: DavRequest) -> dict[str, str]:
    """The checksum of the whole file, which clients send with one of its chunks: the store's copy is compared."""
    header = request.header(b"oc-checksum")
    if not header:
        return {}
    checksum = Checksum(header)
    if checksum.name != "SHA256":
        raise bad_request("OC-Checksum of a file in chunks must be of the type SHA256.", "invalid_checksum")
    return {"sha256": checksum.value}


def part_size_of(total: int, size: int, count: int, number: int) -> int:
    """The length of all chunks but the last; 400 unless the numbers fit."""
    if count < 1 or number >= count:
        raise bad_request("The chunk's number is not below their count.", "invalid_parts")
    if number < count - 1:
        return size
    rest = total - size
    if count > 1 and rest % (count - 1) == 0:
        return rest // (count - 1)
    raise bad_request("The chunks have different lengths.", "invalid_parts")


async def started(
    request: DavRequest, key: str, body: bytes, initiate: Callable[[Send], Awaitable[None]]
) -> CapturedResponse:
    """The response to the beginning of a transfer: its first request initiates it, while others wait."""
    for _ in range(TRIES):
        try:
            return await request.doors.once(request.principal.account_id, key, body, initiate)
        except Conflict as error:
            if error.code != "idempotency_in_progress":
                raise
            await asyncio.sleep(PAUSE_SECONDS)
            continue
    raise Conflict("Another chunk is starting this upload. Send this one again.", code="idempotency_in_progress")


async def respond_stored(request: DavRequest, target: Target, file: Any) -> None:
    """The response to a PUT that made a version."""
    headers = [each for each in file_headers(Resource(target, file)) if each[0] in SHOWN_HEADERS]
    if b"x-oc-mtime" in request.headers:
        headers.append((b"x-oc-mtime", b"accepted"))
    await request.respond(201 if file["version"] == 1 else 204, headers)
