"""Readiness probes of local servers, without an HTTP library."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from docstore_standalone.ports import LOOPBACK

PROBE_SECONDS = 1.0
POLL_SECONDS = 0.02


async def until(probe: Callable[[], Awaitable[bool]]) -> None:
    """Repeat `probe` until it returns True."""
    while True:
        if await probe():
            return
        await asyncio.sleep(POLL_SECONDS)


async def accepts(port: int) -> bool:
    """Whether a server accepts connections."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.close()
    except (OSError, TimeoutError):
        return False
    return True


async def exchange(port: int, request: bytes, response_bytes: int) -> bytes:
    """Return the first bytes of the response; empty without one within a second."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(request)
                return await reader.readexactly(response_bytes)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return b""


async def http_status(port: int, path: str, method: str = "GET", body: bytes = b"") -> int | None:
    """Return the response's status; None without one, and if it is not HTTP."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\n{length}Connection: close\r\n\r\n"
    response = await exchange(port, head.encode("ascii") + body, len(b"HTTP/1.1 200"))
    status = response[9:12]
    return int(status) if status.isdigit() else None


async def tls_responds(port: int, name: str) -> bool:
    """Whether a server has a certificate for `name`, trusted or not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context, server_hostname=name)
            writer.close()
    except (OSError, TimeoutError):
        return False
    return True


async def kafka_responds(port: int) -> bool:
    """Whether a Kafka broker lists its topics and at least one broker.

    A Metadata request (key 3, version 5, all topics), which unlike ApiVersions needs the broker's storage.
    """
    correlation = (1).to_bytes(4, "big")
    header = (3).to_bytes(2, "big") + (5).to_bytes(2, "big") + correlation + b"\x00\x05probe"
    body = header + (-1).to_bytes(4, "big", signed=True) + b"\x00"
    response = await exchange(port, len(body).to_bytes(4, "big") + body, 16)
    return response[4:8] == correlation and int.from_bytes(response[12:16], "big", signed=True) > 0
