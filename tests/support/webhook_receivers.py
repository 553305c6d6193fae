"""Webhook receivers: one with scripted responses, and a canary that must never be reached."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    """Takes the request and never answers."""
    endless: bool = False
    """Begins with `body`, repeats it as fast as it is read, and never ends."""
    stuck: bool = False
    """Sends `body`, and never what should follow."""


@dataclass
class Received:
    headers: Mapping[str, str]
    body: bytes
    path: str


class Receiver:
    """Answers by its script, then 200."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.received: list[Received] = []
        self.server_names: list[str | None] = []
        self.port = 0
        self._over = asyncio.Event()

    @asynccontextmanager
    async def running(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator["Receiver"]:
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.server_names.append(name)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            self._over.set()
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.received.append(Received(request.headers, await request.read(), request.path_qs))
        reply = self.replies.pop(0) if self.replies else Reply()
        if reply.silent:
            await self._over.wait()
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        await response.prepare(request)
        await response.write(reply.body)
        if reply.stuck:
            await self._over.wait()
        while reply.endless and not self._over.is_set():
            await response.write(reply.body)
        return response


class Canary:
    """Counts connections. Its last one is its own, so that none can still be on its way when it is asked."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0
        self._hosts: list[str] = []
        self._own = asyncio.Event()

    @asynccontextmanager
    async def running(self, *hosts: str, port: int = 0) -> AsyncIterator["Canary"]:
        server = await asyncio.start_server(self._accept, list(hosts), port)
        self.port = server.sockets[0].getsockname()[1]
        self._hosts = list(hosts)
        async with server:
            yield self

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(5) == b"own":
            self._own.set()
        else:
            self.connections += 1
        writer.close()

    async def touched(self) -> int:
        """Connections made by others."""
        for host in self._hosts:
            self._own.clear()
            _, writer = await asyncio.open_connection(host, self.port)
            writer.write(b"own")
            writer.write_eof()
            await self._own.wait()
            writer.close()
        return self.connections
