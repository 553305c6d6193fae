"""Serves an ASGI app inside a running event loop, without signal handlers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from docstore_platform.http.server.connections import ConnectionLimits, bounded_protocol, listening_sockets
from docstore_platform.http.server.stopping import announce_stopping
from docstore_platform.settings import KEEP_ALIVE_SECONDS

GRACE_SECONDS = 10
TICK_SECONDS = 1.0


class CannotListen(OSError):
    """An address is in use, or not this machine's."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Update the Date header once a second. uvicorn looks ten times a second whether it is to stop."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        announce_stopping()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _with_operators_port(app: ASGIApp, port: int) -> ASGIApp:
    """Import FastAPI only in processes with services: the supervisor of a stack starts sooner without."""
    from docstore_platform.http.server.operators import OperatorsPort

    return OperatorsPort(app, port)


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, host: str, port: int, operations_port: int | None = None, limits: ConnectionLimits | None = None
) -> AsyncIterator[None]:
    """Serve `app` with its lifespan at `host:port` until the block ends. Raises CannotListen.

    Routes for operators are served at `operations_port` only.
    """
    ports = [port] if operations_port is None else [port, operations_port]
    try:
        sockets = listening_sockets(host, ports)
    except OSError as error:
        raise CannotListen(f"{host}, ports {ports}: {error}") from error
    config = uvicorn.Config(
        app if operations_port is None else _with_operators_port(app, operations_port),
        loop="none",
        http=bounded_protocol(limits or ConnectionLimits()),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the gateway has its own setting for trusted proxies
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
            if task.done():
                await task
                raise CannotListen(f"{host}, ports {ports}")
        yield
    finally:
        server.stop()
        await asyncio.gather(task, return_exceptions=True)
