"""An HTTP proxy that pauses in the middle of a transfer, so that the client can be killed there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from local_server import served

PIECE = 64 * 1024
HOP_BY_HOP = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "host"}

Rule = Callable[["HoldingProxy"], bool]


class HoldingProxy:
    """Passes requests on once it is `open`. Requests to signed URLs are counted, and held while `holds` is set."""

    def __init__(self, holds: Rule = lambda _: False) -> None:
        self.url = ""
        self.open = asyncio.Event()
        self.held = asyncio.Event()
        self.puts = 0
        """Bodies that were passed to the object store, or are being passed."""
        self.fetched = 0
        """Bytes of the object store's answers that were passed on."""
        self._holds = holds
        self._never = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        await self.open.wait()
        is_signed = "X-Amz-Signature" in request.query
        if is_signed and request.method == "PUT":
            await self._hold_if_due()
            self.puts += 1
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
            body = request.content if request.can_read_body else None
            async with session.request(
                request.method, request.url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                return await self._pass(request, answer, is_counted=is_signed and request.method == "GET")

    async def _pass(self, request: web.BaseRequest, answer: Any, *, is_counted: bool) -> web.StreamResponse:
        headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
        response = web.StreamResponse(status=answer.status, headers=dict(headers))
        await response.prepare(request)
        async for piece in answer.content.iter_chunked(PIECE):
            if is_counted:
                await self._hold_if_due()
                self.fetched += len(piece)
            await response.write(piece)
        await response.write_eof()
        return response

    async def _hold_if_due(self) -> None:
        if self._holds(self):
            self.held.set()
            await self._never.wait()


@asynccontextmanager
async def holding_proxy(holds: Rule = lambda _: False, *, is_open: bool = True) -> AsyncIterator[HoldingProxy]:
    """A proxy on a port of its own, until the block ends."""
    proxy = HoldingProxy(holds)
    if is_open:
        proxy.open.set()
    runner = web.ServerRunner(web.Server(proxy.handle, handler_cancellation=True), shutdown_timeout=0.1)
    async with served(runner) as proxy.url:
        yield proxy
