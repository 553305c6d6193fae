"""A bounded HTTP load generator: keep-alive connections that ask for one path as fast as it is answered."""

import asyncio
import time
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

    def percentile_ms(self, percent: float) -> float:
        return percentile(self.latencies, percent) * 1000


def percentile(ordered: list[float], percent: float) -> float:
    """The value below which `percent` of `ordered` lie; nearest rank."""
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    at = head.index(b"content-length:") + len(b"content-length:")
    await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
    return int(head.split(b" ", 2)[1])


async def generate_load(
    url: str, *, headers: dict[str, str], connections: int, seconds: float, expect: int = 200
) -> Load:
    """GET `url` over `connections` connections for `seconds`; RuntimeError on any other status than `expect`."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    request = "\r\n".join(lines).encode()
    latencies: list[float] = []
    begin = time.perf_counter()

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            while time.perf_counter() - begin < seconds:
                sent = time.perf_counter()
                writer.write(request)
                status = await _read_answer(reader)
                latencies.append(time.perf_counter() - sent)
                if status != expect:
                    raise RuntimeError(f"{url} answered {status}")
        finally:
            writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one_connection())
    elapsed = time.perf_counter() - begin
    return Load(len(latencies), elapsed, sorted(latencies))
