"""Delivers a content: by a signed URL if it is a whole object, else as a verified stream."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import Send

from docstore_contents.reader import Contents, is_whole
from docstore_contents.s3.failover import FailoverReads
from docstore_contents.s3.presigned import attachment
from docstore_contents.s3.store import ObjectStoreError, ObjectStoreUnavailable
from docstore_metadata.dependencies import NO_STORE
from docstore_metadata.downloads.rules import ByteRange, RangeNotSatisfiable, is_known, requested_range
from docstore_metadata.downloads.slots import Slots
from docstore_platform.errors import unavailable
from docstore_platform.http.problems import Problem
from docstore_platform.http.read_header import with_read_files

log = structlog.get_logger(__name__)

OCTETS = "application/octet-stream"
EACH = 64
"""Streams to one caller at the same time: each holds at least a block in memory, however slowly its client reads."""
SENT_AT_ONCE_BYTES = 256 << 10
STALLED_SECONDS = 60.0
"""A client that has not received SENT_AT_ONCE_BYTES in so long is disconnected: its connection may be dead."""
GUARDS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
"""Users' contents on our own origin are saved, never displayed."""


@dataclass(frozen=True, slots=True)
class Download:
    """A version's content, and its file name."""

    file_id: str
    name: str
    content_type: str
    object_key: str
    size: int
    sha256: str

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'


def stream_slots() -> Slots:
    return Slots("downloads", code="too_many_at_once", each=EACH)


@dataclass(slots=True)
class Delivery:
    """Responds to requests for a content."""

    objects: FailoverReads
    contents: Contents
    slots: Slots = field(default_factory=stream_slots)

    def signed_url(
        self, object_key: str, name: str, content_type: str, expires_in: int, *, by_cookies: bool = False
    ) -> str:
        """A URL of an object with this file name, valid for so many seconds, or with cookies."""
        return self.objects.presign_get(
            object_key,
            filename=name,
            content_type=content_type or OCTETS,
            expires_in=expires_in,
            by_cookies=by_cookies,
        )

    async def respond(
        self, caller: str, download: Download, request_headers: Mapping[str, str], expires_in: int
    ) -> Response:
        """A redirect to a URL valid for `expires_in` seconds, or the requested bytes.

        Raises TooMany while EACH streams to this caller are under way, Unavailable if the store can't be reached,
        Problem 500 `content_damaged` if the first bytes are corrupt. If later ones are, the connection ends before the
        announced length.
        """
        if is_whole(download.object_key):
            url = self.signed_url(download.object_key, download.name, download.content_type, expires_in)
            return with_read_files(RedirectResponse(url, 302, headers=NO_STORE), [download.file_id])
        headers = content_headers(download.name, download.etag)
        wanted = wanted_range(request_headers, headers, download.size)
        return wanted if isinstance(wanted, Response) else await self._streamed(caller, download, wanted, headers)

    async def _streamed(
        self, caller: str, download: Download, byte_range: ByteRange | None, headers: dict[str, str]
    ) -> Response:
        wanted = byte_range or ByteRange(0, download.size)
        parts = self._parts(caller, download, wanted)
        headers["content-type"] = download.content_type or OCTETS
        stream = content_stream(await first_of(parts), parts, byte_range, download.size, headers)
        # A client that continues with a later range was counted before.
        return with_read_files(stream, [] if wanted.start else [download.file_id])

    async def _parts(self, caller: str, download: Download, wanted: ByteRange) -> AsyncGenerator[bytes]:
        key, size, sha256 = download.object_key, download.size, download.sha256
        with self.slots.taken(caller):
            async with aclosing(self.contents.stream(key, size, wanted.start, wanted.end, sha256=sha256)) as parts:
                async for part in parts:
                    yield part


def content_headers(name: str, etag: str) -> dict[str, str]:
    """Headers of content that this service sends itself, to be saved under this name."""
    return {
        "etag": etag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": attachment(name),
        **GUARDS,
    }


def wanted_range(
    request_headers: Mapping[str, str], headers: Mapping[str, str], size: int
) -> ByteRange | Response | None:
    """The requested range of a content of `size` bytes with these headers, or None; the response if nothing is sent."""
    etag = headers["etag"]
    if is_known(request_headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    try:
        return requested_range(request_headers.get("range"), request_headers.get("if-range"), etag, size)
    except RangeNotSatisfiable:
        refusal = {"content-range": f"bytes */{size}"}
        return Problem(416, "range_not_satisfiable", f"The content has {size} bytes.", headers=refusal).response()


async def first_of(parts: AsyncGenerator[bytes]) -> bytes:
    """The first bytes of a content. Raises Unavailable, or Problem 500 `content_damaged` if they are corrupt."""
    try:
        return await anext(parts, b"")
    except ObjectStoreUnavailable:
        raise unavailable("The object store") from None
    except ObjectStoreError as error:
        log.error("content_unreadable", error=repr(error))
        raise Problem(500, "content_damaged", "What is stored of this content is not what it should be.") from None


def content_stream(
    first: bytes, rest: AsyncGenerator[bytes], byte_range: ByteRange | None, size: int, headers: Mapping[str, str]
) -> "ContentStream":
    """The response with a range of a content of `size` bytes, or all of it; `first` are its first bytes."""
    if byte_range is None:
        return ContentStream(first, rest, 200, {**headers, "content-length": str(size)})
    length = {"content-length": str(byte_range.end - byte_range.start), "content-range": byte_range.content_range(size)}
    return ContentStream(first, rest, 206, {**headers, **length})


class ContentStream(StreamingResponse):
    """A stream that ends, and closes its source, when its client disconnects or stalls.

    After an error, the response is shorter than announced, so that no client considers it complete.
    """

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes], status: int, headers: Mapping[str, str]) -> None:
        super().__init__(rest, status, headers)
        self._first = first
        self._rest = rest

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._rest):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            part, self._first = self._first, b""
            while part:
                await _send_part(part, send)
                part = await anext(self._rest, b"")
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_part(part: bytes, send: Send) -> None:
    for start in range(0, len(part), SENT_AT_ONCE_BYTES):
        async with asyncio.timeout(STALLED_SECONDS):
            body = part[start : start + SENT_AT_ONCE_BYTES]
            await send({"type": "http.response.body", "body": body, "more_body": True})
