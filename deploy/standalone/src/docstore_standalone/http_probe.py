"""Is a server on this machine answering? A few bytes by hand: no HTTP library is loaded for it."""

import asyncio
from collections.abc import Awaitable, Callable

from docstore_standalone.ports import LOOPBACK

PROBE_SECONDS = 1.0
POLL_SECONDS = 0.02


async def until(probe: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until `probe` says yes."""
    while True:
        if await probe():
            return
        await asyncio.sleep(POLL_SECONDS)


async def exchange(port: int, request: bytes, answer_bytes: int) -> bytes:
    """The first bytes of the answer; empty if nobody answers within a second."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(request)
                return await reader.readexactly(answer_bytes)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return b""


async def http_status(port: int, path: str, method: str = "GET", body: bytes = b"") -> int | None:
    """Status of the answer; None if there was none."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\n{length}Connection: close\r\n\r\n"
    answer = await exchange(port, head.encode("ascii") + body, len(b"HTTP/1.1 200"))
    return int(answer[9:12]) if answer else None


async def kafka_answers(port: int) -> bool:
    """Whether a Kafka broker tells its topics and names at least one broker.

    A Metadata request (key 3, version 5, all topics): it needs the broker's storage, other than ApiVersions.
    """
    correlation = (1).to_bytes(4, "big")
    header = (3).to_bytes(2, "big") + (5).to_bytes(2, "big") + correlation + b"\x00\x05probe"
    body = header + (-1).to_bytes(4, "big", signed=True) + b"\x00"
    answer = await exchange(port, len(body).to_bytes(4, "big") + body, 16)
    return answer[4:8] == correlation and int.from_bytes(answer[12:16], "big", signed=True) > 0
