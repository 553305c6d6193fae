"""Attack: exhaust or confuse a server with requests."""

import asyncio
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
from people import Person
from stacks import DetachedStack

pytestmark = pytest.mark.attack

JSON_TYPE = {"Content-Type": "application/json"}
WAIT_SECONDS = 60


async def post(stack: DetachedStack, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of the response to a call without a log-in."""
    async with (
        aiohttp.ClientSession() as client,
        client.post(stack.gateway + path, data=body, headers=JSON_TYPE) as answer,
    ):
        return answer.status, await answer.read()


async def half_sent(stack: DetachedStack, begun: bytes) -> asyncio.StreamReader:
    where = urlsplit(stack.gateway)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(begun)
    return reader


async def test_a_deeply_nested_body_is_refused(stack: DetachedStack, ada: Person) -> None:
    """JSON of 5,000 levels is refused, and what follows is answered."""
    status, answer = await post(stack, "/v1/sessions", b'{"email": ' + b"[" * 5000 + b"]" * 5000 + b"}")
    assert status in (400, 413, 422)
    assert len(answer) < 2000
    assert await ada.names() == []


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/accounts", "/v1/password-resets", "/v1/links/none/open"])
async def test_an_unauthenticated_request_is_not_read_far(stack: DetachedStack, path: str) -> None:
    """No one without a login has more than 16 KiB parsed, and no refusal is longer than what was sent."""
    many = orjson.dumps({f"unknown{n}": 1 for n in range(100_000)})
    status, answer = await post(stack, path, many)
    assert status == 413
    assert len(answer) < 2000
    status, answer = await post(stack, path, orjson.dumps({f"{n}": 1 for n in range(1000)}))
    assert status == 422
    assert len(answer) < 2000


async def test_half_sent_requests_do_not_stay(stack: DetachedStack, nobody: Person) -> None:
    """Hundreds of connections with half of their headers or body are closed, and the next call is answered."""
    begun = [
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ]
    opened = [await half_sent(stack, begun[n % 2]) for n in range(800)]
    async with asyncio.timeout(WAIT_SECONDS):
        await asyncio.gather(*(reader.read() for reader in opened), return_exceptions=True)
    assert (await nobody.refused("GET", "/v1/me"))[0] == 401
