"""What a tool can do: calls of the public API with the caller's token, and requests to signed URLs, all bounded."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from starlette.types import Message, Scope

from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_gateway.responses import CapturedResponse
from docstore_gateway.web.calls import Call, public_call
from docstore_platform.errors import TooLarge, unavailable

KEPT_HEADERS = (b"host", b"user-agent", b"origin", b"sec-fetch-site")
MAX_OBJECT_BYTES = 4 << 20
"""Most that is read from the object store for one call of a tool."""


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """The public API as one request of an assistant may use it: each call has the API's checks, limits and audit."""

    call: Call
    scope: Scope
    token: str
    urls: ObjectUrls

    async def get(self, path: str, /, **query: object) -> Any:
        """Return the JSON of a GET; DomainError if it is refused."""
        return (await self._call("GET", path, query)).json()

    async def send(self, method: str, path: str, body: Any) -> Any:
        """Make a change; return its JSON. DomainError if it is refused."""
        return (await self._call(method, path, {}, orjson.dumps(body))).json()

    async def read(self, path: str, /, start: int = 0, size: int | None = None, **query: object) -> bytes:
        """Return bytes of a route that streams them or redirects to a signed URL: `size` from `start`, or all.

        TooLarge if all are more than MAX_OBJECT_BYTES.
        """
        wanted = {} if size is None else {"range": f"bytes={start}-{start + size - 1}"}
        captured = await self._call("GET", path, query, headers=wanted)
        if captured.status in (301, 302, 307):
            return await self._fetch(captured.header(b"location"), wanted, size or MAX_OBJECT_BYTES)
        if captured.status == 416:
            return b""
        if captured.status >= 400:
            captured.json()
        return captured.body

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> CapturedResponse:
        given = {name: value for name, value in query.items() if value is not None}
        kept = [header for header in self.scope["headers"] if header[0] in KEPT_HEADERS]
        more = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {**self.scope, "headers": kept + more}
        return await public_call(self.call, scope, _never, method, path, body, query=urlencode(given), token=self.token)

    async def _fetch(self, url: str, headers: Mapping[str, str], most: int) -> bytes:
        try:
            async with self.urls.get(url, headers) as response:
                if response.status == 416:
                    return b""
                if response.status not in (200, 206):
                    raise unavailable("The object store")
                parts, size = [], 0
                async for part in response.content.iter_any():
                    parts.append(part)
                    size += len(part)
                    if size > most:
                        raise TooLarge(f"It has more than {most} bytes.")
                return b"".join(parts)
        except (aiohttp.ClientError, TimeoutError):
            raise unavailable("The object store") from None


async def _never() -> Message:
    """The client of these calls stays until they are done: each is bounded."""
    await asyncio.Event().wait()
    raise AssertionError("nothing sets it")


def file_path(file_id: str, *rest: str) -> str:
    """Return the route of a file; whatever the id has is one segment."""
    return "/".join(["/v1/files", quote(file_id, safe=""), *rest])
