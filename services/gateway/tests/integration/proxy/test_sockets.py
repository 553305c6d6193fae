"""Over real sockets: services elsewhere, slow ones, dead ones, long answers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import orjson
import pytest
from aiohttp import ClientSession
from gateway_calls import FakeService, Issuer, Listening, OpenGateway, Reply, Request
from starlette.types import Receive, Scope, Send
from yarl import URL

from docstore_gateway.proxy.service import READ_AT_ONCE_BYTES
from docstore_platform.service.client import register_local_app
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


async def test_a_service_elsewhere_is_called_over_http(
    open_gateway: OpenGateway, listening: Listening, service: FakeService, issuer: Issuer, client: ClientSession
) -> None:
    """All services over HTTP, the gateway on a socket: the request arrives as sent, the answer as given."""

    async def see_other(request: Request) -> Reply:
        reply = Reply()
        reply.status = 303
        reply.headers |= {"location": "https://app.example/done", "etag": '"7"', "connection": "x-hop", "x-hop": "1"}
        return reply

    service.behave = see_other
    async with listening(service) as url:
        urls = dict.fromkeys(("accounts", "metadata", "quota"), url)
        async with open_gateway(urls=urls) as gateway, listening(gateway.app) as address:
            headers = issuer.bearer() | {"connection": "close, x-mine", "x-mine": "1", "te": "trailers"}
            traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            async with client.post(
                URL(f"{address}/v1/files/7/copy?a=%2F&b", encoded=True),
                headers=headers | {"traceparent": traceparent, "accept-encoding": "gzip"},
                data=b'{"path":"/b"}',
                allow_redirects=False,
            ) as answer:
                assert answer.status == 303
                assert answer.headers["location"] == "https://app.example/done"
                assert answer.headers["etag"] == '"7"'
                assert "x-hop" not in answer.headers
                assert len(answer.headers.getall("date")) == 1
                assert await answer.json() == {"ok": True}
    [request] = service.requests
    assert (request.path, request.query, request.body) == ("/v1/files/7/copy", "a=%2F&b", b'{"path":"/b"}')
    assert request.header("accept-encoding") == "gzip"
    assert request.header("x-forwarded-for") == "127.0.0.1"
    assert request.header("traceparent").split("-")[1] == traceparent.split("-")[1]
    assert request.header("x-mine") is None
    assert request.header("te") is None


async def test_a_forwarded_header_over_a_socket_is_not_believed(
    open_gateway: OpenGateway, listening: Listening, service: FakeService, client: ClientSession
) -> None:
    """Nor is it when the peer is this machine."""
    async with open_gateway() as gateway, listening(gateway.app) as address:
        await client.post(f"{address}/v1/sessions", headers={"x-forwarded-for": "1.2.3.4"}, data=b"{}")
    assert service.requests[0].header("x-forwarded-for") == "127.0.0.1"


async def test_a_client_cannot_have_our_own_headers_dropped(
    open_gateway: OpenGateway, listening: Listening, service: FakeService, issuer: Issuer, client: ClientSession
) -> None:
    """Naming them in Connection takes away neither the address that guesses are counted by, nor the request's id."""
    named = {"connection": "close, x-forwarded-for, x-request-id, content-length, authorization"}
    async with (
        listening(service) as url,
        open_gateway(urls={"metadata": url}) as gateway,
        listening(gateway.app) as address,
        client.post(f"{address}/v1/folders", headers=issuer.bearer() | named, data=b"{}") as answer,
    ):
        assert answer.status == 200
    [request] = service.requests
    assert request.header("x-forwarded-for") == "127.0.0.1"
    assert request.header("x-request-id") == answer.headers["x-request-id"]
    assert request.header("authorization") is not None
    assert request.body == b"{}"


async def test_a_dead_service_is_unavailable(
    open_gateway: OpenGateway, listening: Listening, service: FakeService, issuer: Issuer, client: ClientSession
) -> None:
    """Connection refused: 503 with Retry-After; other services' routes still work, and it is back when it is back."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        async with open_gateway(urls={"indexer": dead}) as gateway, listening(gateway.app) as address:
            async with client.get(f"{address}/v1/search?q=a", headers=issuer.bearer()) as answer:
                assert answer.status == 503
                assert answer.headers["retry-after"] == "1"
                assert orjson.loads(await answer.read())["code"] == "unavailable"
            async with client.get(f"{address}/v1/files", headers=issuer.bearer()) as answer:
                assert answer.status == 200


async def test_a_slow_service_is_given_up(
    open_gateway: OpenGateway, listening: Listening, service: FakeService, issuer: Issuer, client: ClientSession
) -> None:
    """504 once it has been silent too long; the key of a call that may have been made is free to find out."""
    never = asyncio.Event()

    async def hang(_: Request) -> Reply:
        await never.wait()
        return Reply()

    service.behave = hang
    async with (
        listening(service) as url,
        open_gateway(urls={"metadata": url}, answer_timeout_seconds=0.2) as gateway,
        listening(gateway.app) as address,
        client.get(f"{address}/v1/files", headers=issuer.bearer()) as answer,
    ):
        assert answer.status == 504
        assert orjson.loads(await answer.read())["code"] == "upstream_timeout"
        never.set()


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/folders"), ("DELETE", "/v1/files/some")])
async def test_a_service_that_hangs_up_is_a_bad_gateway(
    open_gateway: OpenGateway, listening: Listening, issuer: Issuer, client: ClientSession, method: str, path: str
) -> None:
    """502: the call may have been made, which 503 would deny. It is made once: a second deletion would find nothing."""
    calls = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await reader.readuntil(b"\r\n\r\n")
        calls += 1
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with (
        server,
        open_gateway(urls={"metadata": url}) as gateway,
        listening(gateway.app) as address,
        client.request(method, f"{address}{path}", headers=issuer.bearer(), data=b"{}") as answer,
    ):
        assert answer.status == 502
        assert orjson.loads(await answer.read())["code"] == "upstream_failed"
    assert calls == 1


class Streaming:
    """Answers in parts without a length, on a signal, and records when the client has left."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.left = asyncio.Event()
        self.received = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            self.received += len(message.get("body", b""))
            more = message.get("more_body", False)
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        gone = asyncio.create_task(receive())
        go = asyncio.create_task(self.go.wait())
        await asyncio.wait([gone, go], return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            self.left.set()
        go.cancel()
        gone.cancel()
        await send({"type": "http.response.body", "body": b"last", "more_body": False})


async def test_answers_and_bodies_are_streamed(
    open_gateway: OpenGateway, listening: Listening, issuer: Issuer, client: ClientSession
) -> None:
    """A part is passed on when it comes, not when the answer ends; a large body arrives whole."""
    streaming = Streaming()
    async with (
        listening(streaming) as url,
        open_gateway(urls={"upload": url}) as gateway,
        listening(gateway.app) as address,
        client.post(f"{address}/v1/uploads/batch", headers=issuer.bearer(), data=b"x" * 5_000_000) as answer,
    ):
        assert await answer.content.readexactly(5) == b"first"
        streaming.go.set()
        assert await answer.read() == b"last"
    assert streaming.received == 5_000_000


async def test_a_client_that_leaves_ends_the_stream(
    open_gateway: OpenGateway, listening: Listening, issuer: Issuer, client: ClientSession
) -> None:
    """A stream without end is not read on for no one."""
    streaming = Streaming()
    async with (
        listening(streaming) as url,
        open_gateway(urls={"metadata": url}) as gateway,
        listening(gateway.app) as address,
    ):
        answer = await client.get(f"{address}/v1/files", headers=issuer.bearer())
        assert await answer.content.readexactly(5) == b"first"
        answer.close()

        async def left() -> bool:
            return streaming.left.is_set()

        assert await eventually(left)


class Content:
    """Announces `size` bytes and sends parts of 64 KiB, until so many have gone or `breaks_at` is reached."""

    def __init__(self, size: int, breaks_at: int | None = None) -> None:
        self.size = size
        self.breaks_at = breaks_at
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", str(self.size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while self.sent < self.size:
            if self.sent == self.breaks_at:
                raise RuntimeError("a block is damaged")
            await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})
            self.sent += 1 << 16
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.mark.parametrize("is_elsewhere", [True, False])
async def test_a_content_that_breaks_off_breaks_off_for_the_client(
    is_elsewhere: bool, open_gateway: OpenGateway, listening: Listening, issuer: Issuer, client: ClientSession
) -> None:
    """No one takes half of a file for all of it, whether the service is in this process or not."""
    content = Content(1 << 24, breaks_at=1 << 22)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(listening(content)) if is_elsewhere else "local:content"
        register_local_app("local:content", content)
        gateway = await stack.enter_async_context(open_gateway(urls={"metadata": url}))
        address = await stack.enter_async_context(listening(gateway.app))
        answer = await client.get(f"{address}/v1/files/7/content", headers=issuer.bearer())
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_slow_client_slows_the_service(
    open_gateway: OpenGateway, listening: Listening, issuer: Issuer, client: ClientSession
) -> None:
    """What is not taken is not fetched: the gateway holds little of it."""
    content = Content(1 << 28)
    async with (
        listening(content) as url,
        open_gateway(urls={"metadata": url}) as gateway,
        listening(gateway.app) as address,
    ):
        answer = await client.get(f"{address}/v1/files/7/content", headers=issuer.bearer())
        before: list[int] = []

        async def stands_still() -> bool:
            before.append(content.sent)
            return content.sent > 0 and before[-20:] == [content.sent] * 20

        await eventually(stands_still)
        assert content.sent < 1 << 25
        answer.close()


async def test_path_tricks_over_a_socket(
    open_gateway: OpenGateway, listening: Listening, service: FakeService, issuer: Issuer
) -> None:
    """Raw request lines that clients' libraries would tidy up reach nothing internal."""
    token = issuer.token("ann")
    async with open_gateway() as gateway, listening(gateway.app) as address:
        port = int(address.rpartition(":")[2])
        for target in (
            "/v1/../internal/keys",
            "//internal/keys",
            "/v1/files/%2e%2e/%2e%2e/internal/keys",
            "http://x/internal/keys",
            "/v1/files/..;/internal/keys",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"GET {target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode())
            status_line = (await reader.readline()).decode()
            writer.close()
            assert " 404 " in status_line or target.endswith("..;/internal/keys"), (target, status_line)
    assert all(request.path.startswith("/v1/") for request in service.requests)


async def test_a_long_page_of_changes_over_http(
    open_gateway: OpenGateway, listening: Listening, service: FakeService, issuer: Issuer, client: ClientSession
) -> None:
    """One that is passed on in parts: it arrives whole, and the gateway goes on serving others."""
    page = {"changes": [{"seq": 1, "type": "created", "file": {"name": "a" * READ_AT_ONCE_BYTES}}], "cursor": "c"}

    async def tell(request: Request) -> Reply:
        reply = Reply()
        reply.body = orjson.dumps(page)
        return reply

    service.behave = tell
    async with (
        listening(service) as url,
        open_gateway(urls={"metadata": url}) as gateway,
        listening(gateway.app) as address,
        client.get(f"{address}/v1/changes?wait=1", headers=issuer.bearer()) as answer,
    ):
        assert await answer.json() == page
