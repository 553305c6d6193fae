"""What a client holds open without using it is closed; what is in use stays."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from ipaddress import ip_network

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from docstore_platform.http.server.connections import ConnectionLimits, bounded_protocol
from docstore_platform.testing import eventually

SHORT = ConnectionLimits(head_seconds=0.3, body_seconds=0.3, answer_seconds=0.3)
BOUND_SECONDS = 60
Exchange = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Exchange]]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body unless the path says otherwise, and answers its length, or 64 MiB."""
    size = 0
    if scope["path"] != "/deaf":
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000 if scope["path"] == "/large" else 0):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"read %d" % size, "more_body": False})


@asynccontextmanager
async def served(limits: ConnectionLimits) -> AsyncIterator[Connect]:
    """A server, and what connects to it."""
    config = uvicorn.Config(answer, "127.0.0.1", 0, http=bounded_protocol(limits), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment,method-assign,return-value]
    task = asyncio.create_task(server.serve())

    async def has_started() -> bool:
        return server.started

    await eventually(has_started)
    port = server.servers[0].sockets[0].getsockname()[1]
    opened: list[asyncio.StreamWriter] = []

    async def connect() -> Exchange:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.append(writer)
        return reader, writer

    yield connect
    for writer in opened:
        writer.close()
    server.force_exit = server.should_exit = True
    await task


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server closes the connection, which it must."""
    async with asyncio.timeout(BOUND_SECONDS):
        return await reader.read()


async def answered(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(BOUND_SECONDS):
        return await reader.readuntil(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost:",
    ],
)
async def test_half_a_request_is_not_waited_for(sent: bytes) -> None:
    """No byte, half of the headers, half of a body, a second request that ends in the middle."""
    async with served(SHORT) as connect:
        reader, writer = await connect()
        writer.write(sent)
        await closed(reader)


async def test_the_rest_of_a_refused_body_is_not_waited_for() -> None:
    """The answer came before the body: what drips on is no reason to stay."""
    async with served(SHORT) as connect:
        reader, writer = await connect()
        writer.write(b"POST /deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
        assert b"read 0" in await answered(reader)
        writer.write(b"d")
        await closed(reader)


async def test_a_response_that_the_client_does_not_read_ends() -> None:
    """The service does not wait for its client for ever."""
    async with served(SHORT) as connect:
        reader, writer = await connect()
        writer.transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(BOUND_SECONDS):
            while not writer.transport.is_closing():
                writer.write(b"GET / HTTP/1.1\r\n\r\n")
                await asyncio.sleep(0.05)
        del reader


async def test_requests_in_turn_are_answered_on_one_connection() -> None:
    """A connection in use outlives the limits of a single request, and waits between two."""
    async with served(ConnectionLimits(head_seconds=0.3, answer_seconds=0.3)) as connect:
        reader, writer = await connect()
        for _ in range(3):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nabc")
            await asyncio.sleep(0.4)
            writer.write(b"defgh")
            assert b"read 8" in await answered(reader)
            await asyncio.sleep(0.4)  # idle, which is what keep-alive is for


async def test_headers_without_end_are_refused() -> None:
    """They would be kept in memory until they end."""
    async with served(ConnectionLimits()) as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(100)))
        assert (await closed(reader)).startswith(b"HTTP/1.1 400 ")


async def test_a_client_has_so_many_connections_and_no_more() -> None:
    """The next is refused with 429, until one is closed."""
    async with served(ConnectionLimits(per_client=3)) as connect:
        kept = [await connect() for _ in range(3)]
        for reader, writer in kept:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await answered(reader)
        refused, _ = await connect()
        assert re.match(rb"HTTP/1.1 429 .*retry-after: 5", await closed(refused), re.DOTALL)
        kept[0][1].close()

        async def let_in() -> bool:
            reader, writer = await connect()
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            status_line = await reader.readline()
            writer.close()
            return status_line.startswith(b"HTTP/1.1 200")

        await eventually(let_in)


async def test_a_proxys_connections_are_not_counted() -> None:
    """They are those of many clients."""
    limits = ConnectionLimits(per_client=1, uncounted=(ip_network("127.0.0.0/8"),))
    async with served(limits) as connect:
        for reader, writer in [await connect() for _ in range(4)]:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await answered(reader)
