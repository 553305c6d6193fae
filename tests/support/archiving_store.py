"""An object store that refuses reads of archived objects, as S3 does: a proxy in front of a store without archives."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp import web
from local_server import served
from yarl import URL

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}
ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}
REFUSED = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>The operation is not valid for the '
    "object's storage class</Message></Error>"
)


class ArchivingStore:
    """Keeps each object's storage class and restoration, by path; everything else is the store's behind it."""

    def __init__(self, store: str) -> None:
        self.url = ""
        self.classes: dict[str, str] = {}
        self.restoring: set[str] = set()
        self.restored: set[str] = set()
        self.refused: list[str] = []
        """Paths of archived objects that someone tried to read."""
        self.refuses_copies = False
        """As a policy without the right to copy does."""
        self._store = store
        self._parts: dict[str, str] = {}
        """Storage class of unfinished uploads in parts, by id."""

    def archived(self) -> set[str]:
        """Keys of the objects that can't be read now."""
        return {path.split("/", 2)[2] for path in self.classes if self._is_closed(path)}

    def finish_restorations(self) -> None:
        """What hours do at S3."""
        self.restored |= self.restoring
        self.restoring.clear()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = unquote(urlsplit(request.raw_path).path)
        if request.method == "POST" and "restore" in request.query:
            return self._restore(path)
        source = "/" + unquote(request.headers.get("x-amz-copy-source", "")).lstrip("/")
        if request.method == "PUT" and source != "/" and self.refuses_copies:
            return _refusal("AccessDenied")
        if (request.method == "GET" and self._is_closed(path)) or self._is_closed(source):
            self.refused.append(path)
            return _refusal("InvalidObjectState")
        answer = await self._pass(request, path)
        if answer.status < 300:
            self._record(request, path, answer)
        return answer

    def _is_closed(self, path: str) -> bool:
        return self.classes.get(path) in ARCHIVES and path not in self.restored

    def _restore(self, path: str) -> web.Response:
        if self.classes.get(path) not in ARCHIVES:
            return _refusal("InvalidObjectState")
        if path in self.restoring:
            return _refusal("RestoreAlreadyInProgress", 409)
        self.restoring.add(path)
        return web.Response(status=202)

    def _record(self, request: web.BaseRequest, path: str, answer: web.Response) -> None:
        storage_class = request.headers.get("x-amz-storage-class", "STANDARD")
        upload_id = request.query.get("uploadId", "")
        body = answer.body if isinstance(answer.body, bytes) else b""
        if request.method == "POST" and "uploads" in request.query:
            found = re.search(rb"<UploadId>([^<]+)<", body)
            self._parts[found[1].decode() if found else ""] = storage_class
        elif request.method == "POST" and upload_id:
            self._set(path, self._parts.pop(upload_id, "STANDARD"))
        elif request.method == "PUT" and not upload_id:
            self._set(path, storage_class)
        elif request.method == "DELETE":
            self._set(path, "STANDARD")

    def _set(self, path: str, storage_class: str) -> None:
        self.classes[path] = storage_class
        self.restored.discard(path)
        self.restoring.discard(path)

    async def _pass(self, request: web.BaseRequest, path: str) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = URL(self._store + request.raw_path, encoded=True)
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, url, headers=headers, data=await request.content.read() or None, allow_redirects=False
            ) as answer,
        ):
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            response = web.Response(status=answer.status, body=await answer.read())
            response.headers.clear()
            response.headers.extend(kept)
        if request.method == "HEAD" and response.status == 200:
            self._describe(path, response)
        return response

    def _describe(self, path: str, response: web.Response) -> None:
        response.headers.popall("x-amz-storage-class", None)
        storage_class = self.classes.get(path, "STANDARD")
        if storage_class != "STANDARD":
            response.headers["x-amz-storage-class"] = storage_class
        if path in self.restoring:
            response.headers["x-amz-restore"] = 'ongoing-request="true"'
        elif path in self.restored:
            ends = 'ongoing-request="false", expiry-date="Fri, 27 Nov 2026 00:00:00 GMT"'
            response.headers["x-amz-restore"] = ends


def _refusal(code: str, status: int = 403) -> web.Response:
    return web.Response(status=status, text=REFUSED.format(code=code), content_type="application/xml")


@asynccontextmanager
async def archiving_store(store: str) -> AsyncIterator[ArchivingStore]:
    """The proxy on a port of its own, until the block ends."""
    proxy = ArchivingStore(store)
    async with served(web.ServerRunner(web.Server(proxy.handle), shutdown_timeout=0.1)) as proxy.url:
        yield proxy
