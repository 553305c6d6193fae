"""The change feed: a large comparison, and clients that wait."""

import asyncio
import hashlib
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import orjson
import psutil

from bench.accounts import new_account
from bench.load import percentile
from bench.stack import Stack, status
from docstore_cli.api import ApiClient
from docstore_platform.mongodb.client import Database, Mongo

COMPARED = 10_000
WAITERS = 2_000
ACCOUNTS = 64
"""The waiters are of so many accounts: one may not have more than 32."""
SETTLE_SECONDS = 10
WATCH_SECONDS = 20
LATENCIES = 30


async def measure_feed(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    mongo = Mongo(stack.mongo_url, app_name="bench")
    try:
        database = mongo.database("docstore_metadata")
        async with new_account(stack.gateway) as api:
            waiters = await _waiters(stack)  # first: memory that was used and freed would hide what they take
            return [await _compare(api, database), *waiters]
    finally:
        mongo.close()


async def _compare(api: ApiClient, database: Database) -> tuple[str, str]:
    """Half of the entries alike, the rest changed, gone or never there: each kind takes its own way."""
    file = await api.upload("/compared/template.txt", b"x")
    node: dict[str, Any] = await database["nodes"].find_one({"_id": file["id"]})

    def copies() -> Iterator[dict[str, Any]]:
        for number in range(COMPARED):
            yield {**node, "_id": f"{file['id']}-{number:07}", "name": f"document {number:07}.txt"}

    await database["nodes"].insert_many(list(copies()), ordered=False)
    other = hashlib.sha256(b"other").hexdigest()
    entries = [
        {
            "path": f"/compared/document {number:07}.txt" if number % 4 != 3 else f"/compared/never/{number}.txt",
            "sha256": file["sha256"] if number % 2 == 0 else other,
        }
        for number in range(COMPARED)
    ]
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        response = await api.call("POST", "/v1/compare", {"path": "/compared", "entries": entries})
        seconds.append(time.perf_counter() - begin)
    assert (response["same"], len(response["newer"]), len(response["unknown"])) == (5000, 2500, 2500)
    return f"a comparison of {COMPARED:,} entries, 2,500 of them changed", f"{sorted(seconds)[2] * 1000:.0f} ms"


async def _waiters(stack: Stack) -> list[tuple[str, str]]:
    """Streams on real sockets: what each costs in memory, what all cost in CPU, and how soon they hear."""
    services = await _services(stack)
    async with AsyncExitStack() as opened:
        apis = [await opened.enter_async_context(new_account(stack.gateway)) for _ in range(ACCOUNTS)]
        await asyncio.sleep(SETTLE_SECONDS)
        idle = await _cpu(services)
        before = services.memory_full_info().pss
        for number in range(WAITERS):
            _, writer = await _open_stream(stack, apis[number % ACCOUNTS])
            opened.callback(writer.close)
        await asyncio.sleep(SETTLE_SECONDS)
        each = (services.memory_full_info().pss - before) / WAITERS / 1024
        cpu = await _cpu(services)
        api = await opened.enter_async_context(new_account(stack.gateway))
        reader, writer = await _open_stream(stack, api)
        opened.callback(writer.close)
        latencies = sorted([await _latency(api, reader) for _ in range(LATENCIES)])
    p50, p95 = (percentile(latencies, percent) * 1000 for percent in (50, 95))
    return [
        (f"memory of each of {WAITERS:,} waiting streams", f"{each:.0f} KB"),
        (f"CPU of all services with {WAITERS:,} idle streams", f"{cpu:.1f} % of one core, {idle:.1f} % without"),
        ("from the answer to a change until a waiting stream has it, p50, p95", f"{p50:.0f} ms, {p95:.0f} ms"),
    ]


async def _services(stack: Stack) -> psutil.Process:
    parts = (await status(stack.data))["parts"]
    return psutil.Process(next(part["pid"] for part in parts if part["name"] == "services"))


async def _cpu(process: psutil.Process) -> float:
    """Per cent of a core that it uses now."""
    before = sum(process.cpu_times()[:2])
    await asyncio.sleep(WATCH_SECONDS)
    return (sum(process.cpu_times()[:2]) - before) / WATCH_SECONDS * 100


async def _open_stream(stack: Stack, api: ApiClient) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = urlsplit(stack.gateway)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    request = f"GET /v1/events HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {api.access_token}\r\n\r\n"
    writer.write(request.encode())
    await reader.readuntil(b"retry: 2000\n\n")
    return reader, writer


async def _latency(api: ApiClient, reader: asyncio.StreamReader) -> float:
    """Seconds from the answer to the change until it is on the stream; 0 if it is there before."""
    path = f"/folder {time.time_ns()}"
    heard = asyncio.create_task(_hear(reader, orjson.dumps(path)))
    await api.call("POST", "/v1/folders", {"path": path})
    answered = time.perf_counter()
    return max(await heard - answered, 0.0)


async def _hear(reader: asyncio.StreamReader, text: bytes) -> float:
    while text not in await reader.readuntil(b"\n"):
        pass
    return time.perf_counter()
