"""One connection to a service carries the calls of many callers: what one announces is never taken from another."""

import asyncio
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession
from gateway_calls import Issuer, Listening, OpenGateway
from starlette.types import Message, Receive, Scope, Send

from docstore_gateway.proxy import service as forwarding
from docstore_gateway.proxy.service import HttpForwarder
from docstore_platform.errors import DomainError
from docstore_platform.http.body_limits import ClientGone

pytestmark = pytest.mark.connected


class Hasty:
    """Answers at once without reading a body, as services do on routes that take none; returns the request."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        asked = (scope["method"], scope["path"], headers.get(b"authorization", b"").decode())
        if scope["path"].startswith("/v1/"):
            self.asked.append(asked)
        page = {"changes": [{"seq": 1}], "cursor": "c", "has_more": False, "asked": asked}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": orjson.dumps(page)})


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "CONNECTIONS", 1)


@pytest.fixture
def hasty() -> Hasty:
    return Hasty()


@pytest.mark.parametrize("target", ["/v1/changes", "/v1/changes?wait=1", "/v1/events"])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_sent_with_a_wait_for_changes_takes_nothing_from_the_next_call(
    target: str,
    is_chunked: bool,
    open_gateway: OpenGateway,
    listening: Listening,
    hasty: Hasty,
    issuer: Issuer,
    client: ClientSession,
) -> None:
    """The gateway reads the journal by requests of its own: they announce no body, so that another caller's request
    arrives whole and nothing else is made with his token."""

    async def parts() -> Any:
        yield b"x" * 40

    ann, bob = issuer.bearer("ann"), issuer.bearer("bob")
    async with (
        listening(hasty) as url,
        open_gateway(urls={"metadata": url}) as gateway,
        listening(gateway.app) as address,
    ):
        sent = parts() if is_chunked else b"x" * 40
        async with client.get(address + target, headers=ann, data=sent) as answer:
            assert answer.status == 200
            await answer.content.readany()
        for _ in range(2):
            async with client.get(f"{address}/v1/files", headers=bob) as answer:
                assert answer.status == 200
                assert (await answer.json())["asked"] == ["GET", "/v1/files", bob["authorization"]]
    of_ann = ("GET", "/v1/changes", ann["authorization"])
    assert set(hasty.asked) == {of_ann, ("GET", "/v1/files", bob["authorization"])}


async def test_a_body_that_stops_half_way_takes_nothing_from_the_next_call(
    open_gateway: OpenGateway, listening: Listening, hasty: Hasty, issuer: Issuer, client: ClientSession
) -> None:
    """Answered before all of its body has come, a request's connection to the service is not used again."""
    ann, bob = issuer.bearer("ann"), issuer.bearer("bob")
    async with (
        listening(hasty) as url,
        open_gateway(urls={"metadata": url}) as gateway,
        listening(gateway.app) as address,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        head = (
            f"POST /v1/folders HTTP/1.1\r\nhost: x\r\nauthorization: {ann['authorization']}\r\ncontent-length: 40\r\n"
        )
        writer.write(f"{head}\r\nhalf".encode())
        assert b" 200 " in await reader.readline()
        for _ in range(2):
            async with client.get(f"{address}/v1/files", headers=bob) as answer:
                assert (await answer.json())["asked"] == ["GET", "/v1/files", bob["authorization"]]
        writer.close()


@pytest.mark.parametrize(
    "parts", [[b""], [b"1234"], [b"123", b"4"], [b"1234", b""], [b"12345", b"678901"], [b"1" * 11]]
)
async def test_a_body_of_another_length_than_announced_takes_nothing_from_the_next_call(
    parts: list[bytes], listening: Listening, hasty: Hasty
) -> None:
    """Whoever asks the forwarder to announce ten bytes and has fewer or more of them: the call fails, the next goes
    well."""
    async with listening(hasty) as url:
        forwarder = HttpForwarder(url, "metadata", connect_seconds=2, answer_seconds=5)
        try:
            with pytest.raises(DomainError, match="wrong_length"):
                await _forward(forwarder, "/v1/compare", parts, announced=10)
            for _ in range(2):
                answer = await _forward(forwarder, "/v1/me", [b""], announced=0)
                assert orjson.loads(answer)["asked"] == ["GET", "/v1/me", ""]
        finally:
            await forwarder.close()


@pytest.mark.parametrize("parts", [[], [b"1234"], [b"123", b"4"]])
async def test_a_client_that_breaks_off_its_upload_is_no_failure_of_the_service(
    parts: list[bytes], listening: Listening, hasty: Hasty
) -> None:
    """However much of it has been forwarded: it counts as no 502, and the next call goes well."""
    async with listening(hasty) as url:
        forwarder = HttpForwarder(url, "metadata", connect_seconds=2, answer_seconds=5)
        try:
            with pytest.raises(ClientGone):
                await _forward(forwarder, "/v1/compare", parts, announced=10, leaves=True)
            answer = await _forward(forwarder, "/v1/me", [b""], announced=0)
            assert orjson.loads(answer)["asked"] == ["GET", "/v1/me", ""]
        finally:
            await forwarder.close()


async def _forward(
    forwarder: HttpForwarder, path: str, parts: list[bytes], *, announced: int, leaves: bool = False
) -> bytes:
    """The body of the answer to a GET with these parts of a body, after which the client `leaves` or waits."""
    left = list(parts)
    received_body = b""

    async def receive() -> Message:
        if not left and leaves:
            return {"type": "http.disconnect"}
        if not left:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or leaves}

    async def send(message: Message) -> None:
        nonlocal received_body
        received_body += message.get("body", b"")

    headers = [(b"content-length", str(announced).encode())]
    scope = {"method": "GET", "raw_path": path.encode(), "query_string": b"", "headers": headers}
    await forwarder.forward(scope, receive, send)
    return received_body
