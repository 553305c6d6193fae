"""A service whose database is away when it starts."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from docstore_platform.http.server.startup import Startup, UntilStarted
from docstore_platform.testing import eventually


class Need:
    """A server that is down until the test starts it."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem

    async def check(self) -> None:
        if self.problem:
            raise self.problem


class Service:
    """An app with one route, as `service_app` puts it together."""

    def __init__(self, need: Need, failure: Exception | None = None) -> None:
        self.startup = Startup("quota", {"mongodb": need.check})
        self.failure, self.ended = failure, False
        self.app = FastAPI()
        self.app.add_middleware(UntilStarted, startup=self.startup)
        for path in ("/healthz", "/readyz", "/v1/usage"):
            self.app.get(path)(self.answer)

    async def answer(self) -> dict[str, str]:
        return {}

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        if self.failure:
            raise self.failure
        yield
        self.ended = True

    async def status(self, path: str) -> int:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "root_path": ""}
        await self.app(scope, receive, send)
        return int(sent[0]["status"])


async def test_it_waits_for_its_database_and_reports_not_ready() -> None:
    """The process serves at once; what it is asked meanwhile is to be asked again."""
    need = Need(ConnectionError("nobody there"))
    service = Service(need)
    async with service.startup.running(service.lifespan()):
        assert [await service.status(path) for path in ("/healthz", "/readyz", "/v1/usage")] == [200, 503, 503]
        assert service.startup.missing == {"mongodb": "ConnectionError: nobody there"}
        need.problem = None

        async def has_started() -> bool:
            return not service.startup.is_under_way

        await eventually(has_started)
        assert [await service.status(path) for path in ("/readyz", "/v1/usage")] == [200, 200]
    assert service.ended


async def test_it_has_started_where_nothing_is_missing() -> None:
    """No one sees it not ready."""
    service = Service(Need())
    async with service.startup.running(service.lifespan()):
        assert await service.status("/v1/usage") == 200


async def test_it_can_be_stopped_while_it_waits() -> None:
    """Its own part has never begun, and is not ended either."""
    service = Service(Need(ConnectionError()))
    async with service.startup.running(service.lifespan()):
        pass
    assert not service.ended


async def test_a_database_that_can_never_be_used_ends_it() -> None:
    """As one that is too old does."""
    service = Service(Need(ValueError("too old")))
    with pytest.raises(ValueError, match="too old"):
        async with service.startup.running(service.lifespan()):
            pass


async def test_a_start_that_fails_after_the_wait_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs it starts it again."""
    signals: list[int] = []
    monkeypatch.setattr("docstore_platform.http.server.startup.os.kill", lambda _, number: signals.append(number))
    need = Need(ConnectionError())
    service = Service(need, RuntimeError("no disk"))
    async with service.startup.running(service.lifespan()):
        need.problem = None

        async def is_told_to_end() -> bool:
            return signals == [signal.SIGTERM]

        await eventually(is_told_to_end)
