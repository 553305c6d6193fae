"""How far away servers are from here."""

import asyncio
import time
from collections.abc import Iterable

import aiohttp

from docstore_client.network.retrying import proxy_for

ROUND_TRIPS = 3
"""The fastest counts: the first opens a connection."""
LONGEST_SECONDS = 3.0


async def latencies(urls: Iterable[str]) -> dict[str, float | None]:
    """Return the round trip to each server in seconds; None for one that does not respond."""
    wanted = list(urls)
    timeout = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        return dict(zip(wanted, await asyncio.gather(*(_latency(http, url) for url in wanted)), strict=True))


async def _latency(http: aiohttp.ClientSession, url: str) -> float | None:
    trips = []
    try:
        for _ in range(ROUND_TRIPS):
            started = time.perf_counter()
            async with http.get(f"{url}/healthz", proxy=proxy_for(url), allow_redirects=False) as response:
                await response.read()
            if response.status != 200:
                return None
            trips.append(time.perf_counter() - started)
    except (aiohttp.ClientError, TimeoutError):
        return None
    return min(trips)
