"""GET and HEAD: a file's bytes, from the object store or as metadata assembles them."""

import aiohttp
from starlette.types import Message

from docstore_gateway.dav.protocol.conditions import etag_matches
from docstore_gateway.dav.protocol.request import DavRequest
from docstore_gateway.dav.protocol.resources import Resource, existing
from docstore_gateway.dav.reading.properties import http_date
from docstore_gateway.proxy.service import pass_body
from docstore_gateway.responses import CapturedResponse, HeaderList, send_response
from docstore_platform.errors import unavailable
from docstore_platform.http.problems import Problem
from docstore_platform.http.read_header import take_read

GUARDS: HeaderList = [(b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox")]
FROM_STORE = frozenset((b"content-length", b"content-range"))


async def get(request: DavRequest) -> None:
    """A file's bytes, all or a range of them; of a folder only its existence can be asked for, by HEAD."""
    resource = await existing(request.api, request.target)
    if resource.is_folder:
        if request.method == "HEAD":
            await request.respond(200)
            return
        detail = "This is a folder: open this address with a WebDAV client."
        raise Problem(405, "is_a_folder", detail, headers={"Allow": "OPTIONS, HEAD, PROPFIND"})
    headers = file_headers(resource)
    if etag_matches(request.header(b"if-none-match"), resource.etag, weakly=True):
        await request.respond(304, headers)
        return
    request.check_etag(resource)
    if request.method == "HEAD":
        size = (b"content-length", str(resource.file["size"]).encode())
        await send_response(request.send, 200, [*headers, size], b"")
        return
    await _Download(request, resource, headers).send()


def file_headers(resource: Resource) -> HeaderList:
    """Headers of a file's content."""
    file = resource.file
    headers: list[tuple[str, str]] = [
        ("etag", resource.etag),
        ("oc-etag", resource.etag),
        ("oc-fileid", resource.id),
        ("last-modified", http_date(resource.modified_at)),
        ("content-type", file["content_type"] or "application/octet-stream"),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
    ]
    if file["sha256"]:
        headers.append(("oc-checksum", f"SHA256:{file['sha256']}"))
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers] + GUARDS


class _Download:
    """A file's bytes on their way: from the object store by a signed URL, or as metadata assembles them."""

    def __init__(self, request: DavRequest, resource: Resource, headers: HeaderList) -> None:
        self._request = request
        self._resource = resource
        self._headers = headers
        self._captured = CapturedResponse()
        self._passes = False

    async def send(self) -> None:
        file, ranges = self._resource.file, self._range()
        path = f"/v1/files/{file['id']}/content"
        client = self._request.receive
        await self._request.api.forward("metadata", "GET", path, self._receive, headers=ranges, client=client)
        if self._passes:
            return
        if self._captured.status == 302:
            await self._from_store(self._captured.header(b"location"), ranges)
            return
        if self._captured.status == 416:
            raise self._no_such_range()
        self._captured.json()
        raise unavailable("The content")

    def _range(self) -> HeaderList:
        """The Range header, unless If-Range names another content."""
        header, if_range = self._request.headers.get(b"range"), self._request.header(b"if-range")
        if header is None or (if_range is not None and if_range.strip() != self._resource.etag):
            return []
        return [(b"range", header)]

    async def _receive(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kept, self._request.read = take_read(message["headers"])
            self._passes = message["status"] in (200, 206)
            message = {**message, "headers": self._merged(kept)}
        if self._passes:
            await self._request.send(message)
        else:
            await self._captured.send(message)

    def _merged(self, headers: HeaderList) -> HeaderList:
        if not self._passes:
            return headers
        return [*self._headers, *(header for header in headers if header[0].lower() in FROM_STORE)]

    async def _from_store(self, url: str, ranges: HeaderList) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in ranges}
        try:
            async with self._request.doors.urls.get(url, headers) as response:
                if response.status == 416:
                    raise self._no_such_range()
                if response.status not in (200, 206):
                    raise unavailable("The object store")
                raw = [(name.lower(), value) for name, value in response.raw_headers]
                merged = [*self._headers, *(header for header in raw if header[0] in FROM_STORE)]
                start = {"type": "http.response.start", "status": response.status, "headers": merged}
                self._passes = True
                await self._request.send(start)
                await pass_body(response, self._request.receive, self._request.send)
        except (aiohttp.ClientError, TimeoutError):
            if self._passes:
                raise
            raise unavailable("The object store") from None

    def _no_such_range(self) -> Problem:
        size = self._resource.file["size"]
        headers = {"content-range": f"bytes */{size}"}
        return Problem(416, "range_not_satisfiable", f"The content has {size} bytes.", headers=headers)
