"""Trust and token renewal of a connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from local_server import served
from server_certificates import ServerCertificate

from docstore_client import ApiError, AsyncClient, Options, Unreachable
from docstore_client.credentials import Credentials
from docstore_client.network.connection import home_gateway
from docstore_client.network.retrying import _proxy, proxy_for

ADA = {"id": "root", "email": "ada@example.org", "display_name": "Ada", "plan": "free", "role": "user"}
ADA |= {"home_region": "here", "created_at": "2026-11-21T00:00:00Z"}


class Sessions:
    """A gateway's tokens: the first access token has expired, a refresh token that comes again ends the session."""

    def __init__(self) -> None:
        self.number = 0
        self.is_renewing = asyncio.Event()
        self.answers = asyncio.Event()

    async def refresh(self, request: web.Request) -> web.Response:
        if (await request.json())["refresh_token"] != f"refresh-{self.number}":
            return web.json_response({"code": "unauthorized", "detail": "It came again."}, status=401)
        self.number += 1
        self.is_renewing.set()
        await self.answers.wait()
        tokens = {"access_token": f"access-{self.number}", "refresh_token": f"refresh-{self.number}"}
        return web.json_response({"account": ADA, **tokens}, status=201)

    async def me(self, request: web.Request) -> web.Response:
        is_known = self.number and request.headers["authorization"] == f"Bearer access-{self.number}"
        return web.json_response(ADA, status=200 if is_known else 401)


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(routes)
    async with served(web.AppRunner(app)) as url:
        yield url


@asynccontextmanager
async def cut_off_while_renewing() -> AsyncIterator[tuple[AsyncClient, Sessions]]:
    """A client whose call was cancelled when the server had taken its refresh token, and not yet answered."""
    sessions = Sessions()
    routes = (web.post("/v1/sessions/refresh", sessions.refresh), web.get("/v1/me", sessions.me))
    expired = Credentials("", "access-0", "refresh-0", "ada@example.org")
    async with serving(*routes) as url, AsyncClient(url, replace(expired, gateway=url)) as client:
        call = asyncio.create_task(client.me())
        await sessions.is_renewing.wait()
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call
        yield client, sessions


async def test_a_call_that_is_cancelled_while_tokens_are_renewed_logs_nobody_out() -> None:
    """The new tokens are kept all the same: the next call has them."""
    async with cut_off_while_renewing() as (client, sessions):
        sessions.answers.set()
        assert (await client.me()).email == "ada@example.org"


async def test_closing_waits_for_new_tokens() -> None:
    """Else the next run would come with those that the server has taken back."""
    async with cut_off_while_renewing() as (client, sessions):
        closing = asyncio.create_task(client.close())
        sessions.answers.set()
        await closing
        assert client.credentials is not None
        assert client.credentials.refresh_token == "refresh-1"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, "<html>Log in to the hotel's network</html>"),
        (302, {"location": "http://hotel.example"}, ""),
        (403, {}, "<html>\nThe hotel's network does not let you do that</html>"),
        (404, {}, '{"message": "The hotel has no such page"}'),
        (407, {}, "<html>The hotel's proxy wants a password</html>"),
    ],
)
async def test_a_page_of_the_network_is_no_answer(status: int, headers: dict[str, str], body: str) -> None:
    """DocStore is unreachable, and may be back later: the error says that, and not a syntax error."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, text=body)

    async with serving(web.get("/v1/changes", page)) as url, AsyncClient(url) as client:
        with pytest.raises(Unreachable, match="hotel"):
            await client.changes("1")


async def test_a_deletion_whose_response_is_lost_succeeds_once_there_is_nothing_to_delete() -> None:
    """It is sent again, and its 404 is the trace of the first one; without a lost response it stays an error."""
    statuses = iter([502, 404, 404])

    async def delete(_: web.Request) -> web.Response:
        return web.json_response({"code": "not_found", "detail": "No such file."}, status=next(statuses))

    async with serving(web.delete("/v1/trash/some", delete)) as url, AsyncClient(url) as client:
        await client.purge("some")
        with pytest.raises(ApiError, match="No such file"):
            await client.purge("some")


@pytest.mark.parametrize(
    ("method", "path", "body", "params"),
    [
        ("DELETE", "/v1/files/file\udce9", None, None),
        ("GET", "/v1/files/by-path", None, {"path": "/docs\udce9"}),
        ("POST", "/v1/folders", {"path": "/docs\udce9"}, None),
    ],
)
async def test_invalid_unicode_is_not_sent(method: str, path: str, body: Any, params: Any) -> None:
    """In a route, a query or a body: what is left of it without what can't be encoded names another file."""
    requested: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        requested.append(request.path_qs)
        return web.json_response({})

    async with serving(web.route("*", "/{path:.*}", answer)) as url, AsyncClient(url) as client:
        with pytest.raises(ApiError) as refused:
            await client.call(method, path, body, params=params)
    assert (refused.value.status, requested) == (422, [])


@pytest.mark.parametrize(
    ("gateway", "location"),
    [
        ("https://a.example", "http://b.example/v1/sessions"),
        ("http://a.example", "/v1/sessions"),
        ("http://a.example", "http://b.example/elsewhere"),
        ("http://a.example", "ftp://b.example/v1/sessions"),
        ("http://a.example", ""),
    ],
)
def test_a_password_goes_to_no_strange_place(gateway: str, location: str) -> None:
    """Not from https to http, and to nothing but the log-in of a gateway."""
    with pytest.raises(ApiError):
        home_gateway(gateway, location)


def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the scheme of the server, but for servers that NO_PROXY names."""
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    _proxy.cache_clear()
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    try:
        requested = ("http://outside.example/a", "https://outside.example/a", "http://inside.example/a")
        assert list(map(proxy_for, requested)) == ["http://proxy.example:3128", None, None]
    finally:
        _proxy.cache_clear()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", "connection refused"),
        ("https://127.0.0.1:1", "connection refused"),
        ("http://no.such.host.invalid", "unknown host no.such.host.invalid"),
    ],
)
async def test_an_unreachable_server_is_explained(url: str, reason: str) -> None:
    """A person reads the reason, not the library's objects."""
    async with AsyncClient(url, options=Options(tries=1)) as client:
        with pytest.raises(Unreachable) as caught:
            await client.call("GET", "/v1/me")
    assert str(caught.value) == f"{url} can't be reached: {reason}"


@pytest.mark.parametrize(
    ("has_tls", "reason"),
    [
        (False, r"the TLS handshake failed \(.+\): does the server use http:// instead of https://\?"),
        (True, "its certificate is not trusted: .+"),
    ],
)
async def test_a_failed_handshake_is_explained(tmp_path: Path, *, has_tls: bool, reason: str) -> None:
    """A server without TLS, and one with an unknown certificate: each needs another remedy."""
    tls = ServerCertificate(tmp_path, "localhost").server_context() if has_tls else None
    async with served(web.AppRunner(web.Application()), tls=tls) as url:
        gateway = url.replace("http://", "https://")
        async with AsyncClient(gateway, options=Options(tries=1)) as client:
            with pytest.raises(Unreachable, match=rf"^{gateway} can't be reached: {reason}$"):
                await client.call("GET", "/v1/me")
