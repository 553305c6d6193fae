"""Start-up while a required server is unavailable: the service waits and reports that it is not ready."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import orjson
import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from docstore_platform.http.problems import Problem
from docstore_platform.http.server.operators import is_from_operators
from docstore_platform.tasks import end_tasks

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.25
ALWAYS_SERVED = ("/healthz", "/metrics")
Check = Callable[[], Awaitable[None]]
"""Returns if a server is usable; raises ValueError if it never will be, anything else if it may be later."""


class Startup:
    """The start of one service, which needs some servers, given by name."""

    def __init__(self, service: str, needs: Mapping[str, Check]) -> None:
        self.service, self._needs = service, needs
        self.is_under_way = False
        self.missing: dict[str, str] = {}
        """The server under wait, with the reason."""

    @asynccontextmanager
    async def running(self, lifespan: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
        """Run `lifespan` once every required server responds; start the block before if one needs time."""
        waits, started, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.is_under_way = True

        async def run() -> None:
            for name, check in self._needs.items():
                await self._wait_until_available(name, check, waits)
            async with lifespan:
                self.is_under_way = False
                started.set()
                await stop.wait()

        running = asyncio.create_task(run(), name=f"{self.service} lifespan")
        marks = [asyncio.create_task(event.wait()) for event in (waits, started)]
        try:
            await asyncio.wait([running, *marks], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            running.add_done_callback(lambda ended: None if stop.is_set() else self._end_process(ended))
            yield
        finally:
            stop.set()
            await end_tasks(marks)
            if started.is_set() and not running.cancelled():
                await running
            else:
                await end_tasks([running])

    async def _wait_until_available(self, name: str, check: Check, waits: asyncio.Event) -> None:
        while True:
            try:
                await check()
            except ValueError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever failed, it may respond later
                reason = f"{type(error).__name__}: {error}"
                if name not in self.missing:
                    log.warning("waiting_to_start", service=self.service, needs=name, reason=reason)
                self.missing = {name: reason}
                waits.set()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if self.missing.pop(name, None) is not None:
                log.info("wait_to_start_over", service=self.service, needs=name)
            return

    def _end_process(self, ended: asyncio.Task[None]) -> None:
        """End the process if the start fails after it has begun to serve: its supervisor restarts it."""
        error = None if ended.cancelled() else ended.exception()
        log.critical("start_failed", service=self.service, error=repr(error))
        os.kill(os.getpid(), signal.SIGTERM)


class UntilStarted:
    """ASGI middleware: 503 for everything but health checks while the service waits to start."""

    def __init__(self, app: ASGIApp, startup: Startup) -> None:
        self.app, self.startup = app, startup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.startup.is_under_way or scope["type"] != "http" or scope["path"] in ALWAYS_SERVED:
            await self.app(scope, receive, send)
        elif scope["path"] == "/readyz":
            body: dict[str, object] = {"status": "starting"}
            if is_from_operators(scope):
                body["failed"] = self.startup.missing
            await Response(orjson.dumps(body), 503, media_type="application/json")(scope, receive, send)
        else:
            problem = Problem(503, "unavailable", "The service is starting.", headers={"Retry-After": "1"})
            await problem.response()(scope, receive, send)
