"""Every service in one process: each with its own app, database and consumer; calls between them are in memory.

Run as `python -m docstore_standalone.services`; all settings come from the environment, as for a service on its own.
"""

import asyncio
import gc
import importlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp

import docstore_gateway.app
from docstore_gateway.settings import GatewaySettings
from docstore_platform.mongodb.client import shared_clients
from docstore_platform.service.client import LOCAL, register_local_app
from docstore_platform.service.serve import ListenSettings, collect_less_often, raise_file_limit
from docstore_platform.service.start_signal import wait_for_start_signal
from docstore_platform.services import INTERNAL_SERVICES, ServiceName
from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.logs import configure_logging
from docstore_platform.telemetry.tracing import configure_tracing
from docstore_standalone.asgi_server import CannotListen, serving

log = structlog.get_logger(__name__)

CREATE_APP: dict[ServiceName, Callable[[], FastAPI]] = {
    name: importlib.import_module(f"docstore_{name}.app").create_app for name in INTERNAL_SERVICES
}
LOCAL_URLS = {f"DOCSTORE_{name.upper()}_URL": f"{LOCAL}{name}" for name in CREATE_APP}
"""Settings by which services of one process find each other."""


@asynccontextmanager
async def running_services(settings: GatewaySettings) -> AsyncIterator[ASGIApp]:
    """Start every service; give the gateway's app with its running lifespan.

    They start concurrently: most of the time each waits for the database.
    """
    apps = {name: create_app() for name, create_app in CREATE_APP.items()}
    gateway = docstore_gateway.app.create_app(settings)
    wait_for_start_signal()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        started = {name: asyncio.Event() for name in apps}
        for name, app in apps.items():
            group.create_task(_run_service(name, app, started[name], stop), name=f"service {name}")
        for ready in started.values():
            await ready.wait()
        try:
            yield gateway
        finally:
            stop.set()


async def _run_service(name: str, app: FastAPI, started: asyncio.Event, stop: asyncio.Event) -> None:
    """Run a service's lifespan in one task from start to end."""
    async with app.router.lifespan_context(app):
        register_local_app(f"{LOCAL}{name}", app)
        started.set()
        await stop.wait()


async def run(listen: ListenSettings) -> None:
    """Run everything until SIGTERM or SIGINT."""
    infra = InfraSettings()
    configure_logging(infra)
    tracing = configure_tracing(infra)
    raise_file_limit()
    collect_less_often()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    settings = GatewaySettings()
    async with (
        running_services(settings) as gateway,
        serving(gateway, listen.host, listen.port, listen.operations_port, settings.connection_limits()),
    ):
        gc.freeze()
        await stop.wait()
    tracing.shutdown()


def main() -> None:
    os.environ.update(LOCAL_URLS)
    try:
        with shared_clients():
            uvloop.run(run(ListenSettings()))
    except* CannotListen as errors:
        log.error("cannot_listen", error=str(errors.exceptions[0]))
        sys.exit(3)


if __name__ == "__main__":
    main()
