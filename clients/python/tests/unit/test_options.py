"""Timeouts, attempts, errors by status, request ids and lists of several pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from local_server import served

from docstore_client import ApiError, AsyncClient, Client, NotFound, Options, ServerError, Unreachable

PAGES = {"": (["a", "b"], "1"), "1": ([], "2"), "2": (["c"], None)}
"""Items and next cursor by cursor; a page may be empty."""


class Gateway:
    """Answers as its test says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.status, self.code = 404, "not_found"
        self.hangs = asyncio.Event()

    async def me(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        body = {"code": self.code, "detail": "It failed."}
        return web.json_response(body, status=self.status, headers={"X-Request-Id": "r1"})

    async def silent(self, _: web.Request) -> web.Response:
        await self.hangs.wait()
        return web.Response()

    async def trash(self, request: web.Request) -> web.Response:
        names, cursor = PAGES[request.query.get("cursor", "")]
        times = dict.fromkeys(("created_at", "expires_at", "last_used_at"), "2026-11-21T00:00:00Z")
        items = [{"id": name, "device_name": name, "current": False, **times} for name in names]
        return web.json_response({"items": items, "next_cursor": cursor})


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Gateway, str]]:
    gateway, app = Gateway(), web.Application()
    routes = {"/v1/me": gateway.me, "/v1/me/retention": gateway.silent, "/v1/sessions": gateway.trash}
    app.add_routes([web.get(path, handler) for path, handler in routes.items()])
    async with served(web.AppRunner(app)) as url:
        try:
            yield gateway, url
        finally:
            gateway.hangs.set()


async def test_an_error_has_the_class_of_its_status_and_the_id_of_its_request() -> None:
    """Programs catch what they can handle, and operators find the call in logs and traces."""
    async with serving() as (_, url), AsyncClient(url) as client:
        with pytest.raises(NotFound) as raised:
            await client.me()
    assert (raised.value.status, raised.value.code, raised.value.request_id) == (404, "not_found", "r1")
    assert isinstance(raised.value, ApiError)


async def test_a_failure_of_the_server_is_shown_with_its_request() -> None:
    """What a user reports names the call; `tries` bounds the attempts."""
    async with serving() as (gateway, url), AsyncClient(url, options=Options(tries=2)) as client:
        gateway.status, gateway.code = 503, "unavailable"
        with pytest.raises(ServerError, match=r"\(unavailable, request r1\)"):
            await client.me()
    assert len(gateway.requests) == 2


async def test_a_silent_server_is_given_up_after_the_timeout() -> None:
    """A program need not hang for the default of a minute and a half."""
    async with serving() as (_, url):
        options = Options(response_timeout=0.05, tries=1)
        async with AsyncClient(url, options=options) as client:
            with pytest.raises(Unreachable, match="no response in time"):
                await client.retention()


async def test_requests_name_the_program_and_this_client() -> None:
    """Operators see in access logs who calls."""
    async with serving() as (gateway, url), AsyncClient(url, options=Options(user_agent="backup/2.1")) as client:
        with pytest.raises(NotFound):
            await client.me()
    assert gateway.requests[0].headers["user-agent"].startswith("backup/2.1 docstore-python/")


async def test_a_list_is_iterated_over_all_pages() -> None:
    """By both clients, and to the end, even if a page is empty."""
    async with serving() as (_, url), AsyncClient(url) as client:
        assert [session.id async for session in client.iterate(client.sessions)] == ["a", "b", "c"]

        def synchronously() -> list[str]:
            with Client(url) as docstore:
                return [session.id for session in docstore.iterate(docstore.sessions)]

        assert await asyncio.to_thread(synchronously) == ["a", "b", "c"]
