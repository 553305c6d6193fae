"""A bounded HTTP load generator: keep-alive connections that ask again as soon as they are answered."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of requests took."""

    requests: int
    seconds: float
    latencies: list[float]
    """Seconds, sorted."""

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def percentile(ordered: list[float], percent: float) -> float:
    """The value below which `percent` of `ordered` lie; nearest rank."""
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    at = head.index(b"content-length:") + len(b"content-length:")
    await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
    return int(head.split(b" ", 2)[1])


def _request(url: str, headers: dict[str, str]) -> bytes:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


async def generate_load(
    urls: Sequence[str], *, headers: dict[str, str], connections: int, seconds: float, expect: int = 200
) -> Load:
    """GET `urls` of one server in turns for `seconds`; RuntimeError on any other status than `expect`."""
    server = urlsplit(urls[0])
    requests = itertools.cycle([_request(url, headers) for url in urls])
    latencies: list[float] = []
    begin = time.perf_counter()

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(server.hostname, server.port)
        try:
            while time.perf_counter() - begin < seconds:
                sent = time.perf_counter()
                writer.write(next(requests))
                status = await _read_answer(reader)
                latencies.append(time.perf_counter() - sent)
                if status != expect:
                    raise RuntimeError(f"{server.netloc} answered {status}")
        finally:
            writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one_connection())
    elapsed = time.perf_counter() - begin
    return Load(len(latencies), elapsed, sorted(latencies))
