"""Clients that download slowly keep connections to services and to the store, which nobody else waits for."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from gateway_calls import Listening
from starlette.types import Message, Receive, Scope, Send

from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_gateway.proxy.service import HttpForwarder
from docstore_platform.settings import InfraSettings
from docstore_platform.tasks import end_tasks
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
DOWNLOADS = 256
SLOW = "/slow"


class Downloads:
    """Begins a response to each request, and ends only those of other paths than SLOW."""

    def __init__(self) -> None:
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        if scope["path"] == SLOW:
            self.open += 1
            while (await receive())["type"] != "http.disconnect":
                pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def forwarded(forwarder: HttpForwarder, path: str) -> bytes:
    """The body of the response to a GET by a client that does not leave."""
    body = b""

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nothing sets it")

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    scope = {"method": "GET", "raw_path": path.encode(), "query_string": b"", "headers": []}
    await forwarder.forward(scope, receive, send)
    return body


async def test_a_call_waits_for_no_download(listening: Listening) -> None:
    """However many are under way to its service."""
    downloads = Downloads()
    async with listening(downloads) as url:
        forwarder = HttpForwarder(url, "metadata", connect_seconds=30, answer_seconds=60)
        slow = [asyncio.create_task(forwarded(forwarder, SLOW)) for _ in range(DOWNLOADS)]

        async def are_open() -> bool:
            return downloads.open == DOWNLOADS

        try:
            await eventually(are_open)
            async with asyncio.timeout(60):
                assert await forwarded(forwarder, "/v1/me") == b"first"
        finally:
            await end_tasks(slow)
            await forwarder.close()


async def test_a_request_to_the_store_waits_for_no_download(listening: Listening, infra: InfraSettings) -> None:
    """However many are under way."""
    async with listening(Downloads()) as url, AsyncExitStack() as stack:
        urls = ObjectUrls(infra)
        stack.push_async_callback(urls.close)
        async with asyncio.timeout(60):
            for _ in range(DOWNLOADS):
                await stack.enter_async_context(urls.get(url + SLOW, {}))
            async with urls.get(f"{url}/object", {}) as response:
                assert await response.read() == b"first"
