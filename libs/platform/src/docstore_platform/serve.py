"""Runs one service in a process of its own."""

import resource
import signal
import socket
import sys
from collections.abc import Callable

import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import Field
from pydantic_settings import BaseSettings

from docstore_platform.logs import configure_logging
from docstore_platform.settings import InfraSettings
from docstore_platform.stopping import announce_stopping
from docstore_platform.tracing import configure_tracing

GRACE_SECONDS = 15
"""Requests being answered when the process is told to stop get this long."""
KEEP_ALIVE_SECONDS = 75
"""An idle connection is kept longer than clients keep it: who closes first must not be sent a request meanwhile."""


class GracefulServer(uvicorn.Server):
    """Tells those who hold answers open that it is going to wait for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        announce_stopping()
        await super().shutdown(sockets)


def raise_file_limit() -> None:
    """Take as many open files, sockets included, as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class ListenSettings(BaseSettings):
    """Where the process listens: environment variables HOST and PORT."""

    host: str = "0.0.0.0"
    port: int = Field(8000, ge=0, le=65_535, description="0: a free one")


def serve(create_app: Callable[[], FastAPI], name: str) -> None:
    """Serve `create_app()` until SIGTERM or SIGINT, then finish what is being answered; status 0 if that worked."""
    infra = InfraSettings()
    listen = ListenSettings()
    configure_logging(infra)
    structlog.contextvars.bind_contextvars(service=name)
    tracing = configure_tracing(infra)
    raise_file_limit()
    config = uvicorn.Config(
        create_app(),
        host=listen.host,
        port=listen.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = GracefulServer(config)
    # Once it has shut down, uvicorn raises the signal it was stopped by again: that is no reason to die of it.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    try:
        server.run()
    finally:
        tracing.shutdown()
    if not server.started:
        sys.exit(3)
