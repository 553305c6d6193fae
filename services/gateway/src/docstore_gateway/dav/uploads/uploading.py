"""PUT: bytes go from the client to the object store as they arrive, and become a version once all have."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docstore_contents.packs import MAX_SLICE_BYTES
from docstore_gateway.dav.protocol.calls import Api
from docstore_gateway.dav.protocol.headers import Target, bad_request
from docstore_gateway.dav.protocol.request import DavRequest
from docstore_gateway.dav.protocol.resources import Resource, find, parent_of
from docstore_gateway.dav.uploads.body import Body
from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_platform.errors import DomainError, Invalid, Unavailable
from docstore_platform.http.problems import Problem

MIB = 1 << 20
SMALL_BYTES = MIB
"""Held in memory: sent with its SHA-256, so that it need not be read again."""
PARTS_FROM_BYTES = 64 * MIB
"""Larger contents are sent in parts, of which only what is on its way is held in memory."""
VERIFYING_SECONDS = 1.0
IS_CONDITIONAL = frozenset((b"if-match", b"if-none-match"))
"""Headers by which a PUT depends on what is there."""
OCTETS = "application/octet-stream"
"""What programs send that do not know the type: the name decides."""


class Uploader:
    """Uploads one body as one client."""

    def __init__(self, api: Api, urls: ObjectUrls) -> None:
        self._api = api
        self._urls = urls

    async def upload(self, target: Mapping[str, Any], body: Body, size: int | None) -> Any:
        """Store a body of `size` bytes and return the file; with None, one that the client ends (chunked encoding).

        `target`: what an upload is initiated with. Raises ClientGone if the client leaves: nothing is stored then.
        """
        if size is None or size <= SMALL_BYTES:
            content = await body.read(SMALL_BYTES if size is None else size)
            if size is None and not await body.is_over():
                detail = f"Send the length of a file of more than {SMALL_BYTES} bytes in Content-Length."
                raise Problem(411, "length_required", detail)
            body.check(len(content) if size is None else size)
            return await self.small(target, content)
        sha256 = body.checksum.value if body.checksum is not None and body.checksum.name == "SHA256" else None
        method = "multipart" if size > PARTS_FROM_BYTES else "put"
        upload = await self._begin({**target, "size": size, "method": method, "sha256": sha256})
        try:
            parts = await (self._in_parts if method == "multipart" else self._in_one)(upload, body, size)
            body.check(size)
        except BaseException:  # whatever failed, the client sends it again: the quota is released now
            await self._give_up(upload["id"])
            raise
        return await self.complete(upload["id"], parts)

    async def _begin(self, request: Mapping[str, Any]) -> Any:
        given = {"notify": False} | {name: value for name, value in request.items() if value is not None}
        return await self._api.send("upload", "POST", "/v1/uploads", given)

    async def small(self, target: Mapping[str, Any], content: bytes) -> Any:
        """Store bytes that are all there, and return the file."""
        if len(content) <= MAX_SLICE_BYTES:
            # An upload service of the release before does not know `content`; other faults are found again.
            with suppress(Invalid):
                upload = await self._begin({**target, **with_content(content), "method": "put"})
                return upload["file"] if upload["state"] == "completed" else await self.complete(upload["id"], None)
        size, sha256 = len(content), hashlib.sha256(content).hexdigest()
        upload = await self._begin({**target, "size": size, "method": "put", "sha256": sha256})
        try:
            await self._urls.put(upload["put"]["url"], upload["put"]["headers"], content, size)
        except BaseException:
            await self._give_up(upload["id"])
            raise
        return await self.complete(upload["id"], None)

    async def _in_one(self, upload: Any, body: Body, size: int) -> None:
        await self._urls.put(upload["put"]["url"], upload["put"]["headers"], body.stream(size), size)

    async def _in_parts(self, upload: Any, body: Body, size: int) -> list[dict[str, Any]]:
        """Send the parts one after the other, as the bytes come."""
        sent: list[dict[str, Any]] = []
        async for part in self._part_urls(upload):
            etag = await self._urls.put(part["url"], {}, body.stream(part["size"]), part["size"])
            sent.append({"number": part["number"], "etag": etag})
        return sent

    async def _part_urls(self, upload: Any) -> AsyncIterator[Any]:
        multipart = upload["multipart"]
        count, parts = multipart["part_count"], multipart["parts"]
        while True:
            for part in parts:
                yield part
            following = parts[-1]["number"] + 1
            if following > count:
                return
            numbers = list(range(following, min(following + 100, count + 1)))
            parts = (await self._api.send("upload", "POST", f"/v1/uploads/{upload['id']}/parts", {"numbers": numbers}))[
                "parts"
            ]

    async def complete(self, upload_id: str, parts: list[dict[str, Any]] | None) -> Any:
        """Commit what was sent; waits while a large content is verified."""
        request = {} if parts is None else {"parts": parts}
        while True:
            try:
                return await self._api.send("upload", "POST", f"/v1/uploads/{upload_id}/complete", request)
            except Unavailable as error:
                if error.code != "verifying":
                    raise
            await asyncio.sleep(VERIFYING_SECONDS)

    async def _give_up(self, upload_id: str) -> None:
        """Cancel an upload; if that fails it expires."""
        with suppress(DomainError):
            await asyncio.shield(self._api.send("upload", "DELETE", f"/v1/uploads/{upload_id}"))


@dataclass(frozen=True, slots=True)
class PutTarget:
    """Where a PUT goes, and what an upload there is initiated with."""

    resource: Target
    request: dict[str, Any]


async def put_target(request: DavRequest, resource: Target) -> PutTarget:
    """Check that a PUT may go there; 405 for a folder, 409 without its folder, 412."""
    wanted = described(request)
    if IS_CONDITIONAL.isdisjoint(request.headers):
        return PutTarget(resource, placed_in(await parent_of(request.api, resource), resource, wanted))
    there = await find(request.api, resource)
    if there is not None and there.is_folder:
        raise Problem(405, "is_a_folder", "There is a folder of this name.")
    request.check_etag(there)
    wanted["base_version"] = 0 if there is None else there.file["version"]
    if there is not None:
        return PutTarget(resource, {**wanted, "file_id": there.id})
    return PutTarget(resource, placed_in(await parent_of(request.api, resource), resource, wanted))


def with_content(content: bytes) -> dict[str, Any]:
    """What a small file's upload is initiated with, so that its request stores and commits it."""
    return {"size": len(content), "content": b64encode(content).decode()}


def placed_in(parent: Resource, resource: Target, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What a file's upload into a folder is initiated with."""
    return {**wanted, "parent_id": parent.id, "path": f"/{resource.name}"}


def described(request: DavRequest) -> dict[str, Any]:
    """What the headers of a PUT say about the file."""
    wanted: dict[str, Any] = {"on_conflict": "fail"}
    modified_at = modified_at_of(request.header(b"x-oc-mtime"))
    if modified_at is not None:
        wanted["client_modified_at"] = modified_at
    content_type = (request.header(b"content-type") or "").partition(";")[0].strip()
    if content_type and content_type != OCTETS:
        wanted["content_type"] = content_type
    return wanted


def modified_at_of(header: str | None) -> str | None:
    """The time in X-OC-Mtime, seconds since 1970; None without one, 400 for anything else."""
    if header is None:
        return None
    try:
        moment = datetime.fromtimestamp(float(header.strip()), UTC)
    except (ValueError, OverflowError, OSError):
        raise bad_request("X-OC-Mtime must be a number of seconds since 1970.", "invalid_client_modified_at") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
