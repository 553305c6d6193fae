"""Runs one service in a process of its own."""

import asyncio
import gc
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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docstore_platform.http.server.connections import ConnectionLimits, bounded_protocol, listening_sockets
from docstore_platform.http.server.operators import OperatorsPort
from docstore_platform.http.server.stopping import announce_stopping
from docstore_platform.service.app import json_response
from docstore_platform.service.start_signal import wait_for_start_signal
from docstore_platform.settings import KEEP_ALIVE_SECONDS, InfraSettings
from docstore_platform.telemetry.logs import configure_logging
from docstore_platform.telemetry.tracing import configure_tracing

log = structlog.get_logger(__name__)

GRACE_SECONDS = 15
"""Time for requests under way after SIGTERM."""


class Leaving:
    """ASGI middleware for a process that is about to stop: it is not ready, and each response closes its connection.

    A connection that is closed just as a request is sent on it loses the request. One that ends with a response does
    not: a balancer gives the client's next connection to another instance.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.is_leaving = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            if self.is_leaving and message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        if self.is_leaving and scope["type"] == "http" and scope["path"] == "/readyz":
            body = {"status": "stopping"}
            await json_response(body, 503)(scope, receive, send_last)
            return
        await self.app(scope, receive, send_last)


class GracefulServer(uvicorn.Server):
    """Continues to serve for `gap_seconds`, not ready. Then it stops, once the requests under way are finished."""

    def __init__(self, config: uvicorn.Config, leaving: Leaving, gap_seconds: float) -> None:
        super().__init__(config)
        self._leaving = leaving
        self._gap_seconds = gap_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leaving.is_leaving = True
        announce_stopping()
        await asyncio.sleep(self._gap_seconds)
        await super().shutdown(sockets)


def raise_file_limit() -> None:
    """Raise the limit of open files, including sockets, as far as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def collect_less_often() -> None:
    """Run Python's garbage collector after 20,000 new objects instead of 700.

    A batch of events is many thousand objects, hardly any of them in a cycle: repeated collections took a tenth of the
    time of services under load.
    """
    gc.set_threshold(20_000, 10, 10)


class ListenSettings(BaseSettings):
    """Address of the process and its shutdown: environment variables HOST, PORT, OPERATIONS_PORT and
    READINESS_GAP_SECONDS."""

    host: str = "0.0.0.0"
    port: int = Field(8000, ge=0, le=65_535, description="0: a free one")
    operations_port: int | None = Field(
        None, ge=1, le=65_535, description="port of metrics and readiness details; without one they are not served"
    )
    readiness_gap_seconds: float = Field(
        0.0,
        ge=0,
        le=60,
        description="how long to serve after SIGTERM, not ready: longer than a balancer takes to notice "
        "and than its connections may be idle",
    )

    @property
    def ports(self) -> list[int]:
        """The public port first."""
        return [self.port] if self.operations_port is None else [self.port, self.operations_port]


def serve(create_app: Callable[[], FastAPI], name: str, limits: ConnectionLimits | None = None) -> None:
    """Serve `create_app()` until SIGTERM or SIGINT, then finish the requests under way; status 0 if that succeeded."""
    infra = InfraSettings()
    listen = ListenSettings()
    configure_logging(infra)
    structlog.contextvars.bind_contextvars(service=name)
    tracing = configure_tracing(infra)
    raise_file_limit()
    collect_less_often()
    leaving = Leaving(create_app())
    wait_for_start_signal()
    config = uvicorn.Config(
        OperatorsPort(leaving, listen.operations_port),
        loop="uvloop",
        http=bounded_protocol(limits or ConnectionLimits()),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = GracefulServer(config, leaving, listen.readiness_gap_seconds)
    # After the shutdown uvicorn raises the signal that stopped it again: ignore it.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    try:
        server.run(listening_sockets(listen.host, listen.ports))
    except OSError as error:
        log.error("cannot_listen", host=listen.host, ports=listen.ports, error=str(error))
    finally:
        tracing.shutdown()
    if not server.started:
        sys.exit(3)
