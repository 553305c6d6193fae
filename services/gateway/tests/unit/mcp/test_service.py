"""The server for assistants, which runs in a task of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send

from docstore_gateway.mcp import service as module
from docstore_gateway.mcp.service import McpService
from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_gateway.responses import CapturedResponse, send_response
from docstore_platform.security.tokens import Principal


class FakeManager:
    """Answers while it runs, and runs until it crashes."""

    def __init__(self, *, starts: bool = True) -> None:
        self.starts = starts
        self.crash = asyncio.Event()
        self.is_running = False

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        if not self.starts:
            raise ConnectionError("not now")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._crashing())
                self.is_running = True
                yield
        finally:
            self.is_running = False

    async def _crashing(self) -> None:
        await self.crash.wait()
        raise RuntimeError("a task of the group failed")

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.is_running:
            raise RuntimeError("it is not running")
        await send_response(send, 200, [], b"")


async def served(mcp: McpService) -> int:
    """The status of the response to a request."""
    captured = CapturedResponse()

    async def receive() -> Message:
        raise AssertionError

    async def call(*_: Any) -> None:
        raise AssertionError

    principal = Principal("ann", "s1", "user", "laptop")
    await mcp.serve(principal, "token", call, {"method": "POST"}, receive, captured.send)
    return captured.status


def mcp_of(managers: list[FakeManager], monkeypatch: pytest.MonkeyPatch) -> McpService:
    server = SimpleNamespace(session_manager=lambda: managers.pop(0))
    monkeypatch.setattr(module, "import_module", lambda _: server)
    return McpService(cast("ObjectUrls", None), "http://127.0.0.1:8080")


async def test_a_server_that_has_failed_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the next request: else assistants would be refused until the gateway is restarted."""
    first, second = FakeManager(), FakeManager()
    mcp = mcp_of([first, second], monkeypatch)
    assert [await served(mcp), await served(mcp)] == [200, 200]
    first.crash.set()
    await asyncio.wait(mcp._tasks)
    assert await served(mcp) == 200
    assert second.is_running
    await mcp.close()
    assert not second.is_running


async def test_a_server_that_does_not_start_holds_up_no_later_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request that would have started it fails, and the next one starts it."""
    mcp = mcp_of([FakeManager(starts=False), FakeManager()], monkeypatch)
    with pytest.raises(RuntimeError):
        await served(mcp)
    assert await served(mcp) == 200
    await mcp.close()
