"""Small files uploaded one by one, as most integrations do, and the CPU time that each component spends on one."""

import asyncio
import os
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from bench.accounts import new_account
from bench.load import percentile
from bench.stack import Stack, spent
from docstore_cli.api import ApiClient

CLIENTS = 8
FILES = int(os.environ.get("BENCH_SINGLE_FILES", "800"))
WARM_UP = 40
ALONE = 100
BYTES = 4096

Times = tuple[float, float]
"""Seconds that initiating and completing took."""
Send = Callable[[ApiClient, str], Awaitable[tuple[dict[str, Any], Times]]]


@dataclass(frozen=True, slots=True)
class Uploads:
    """What a number of uploads took."""

    rate: float
    """Files a second."""
    cpu: Counter[str]
    """Milliseconds of each component for one file: with what follows from it by events, without idle time."""
    times: list[Times]

    @property
    def cpu_text(self) -> str:
        parts = ", ".join(f"{name} {each:.1f}" for name, each in self.cpu.items() if each >= 0.05)
        return f"{self.cpu.total():.1f} ms ({parts})"

    def latency(self, percent: float) -> tuple[float, float]:
        """Milliseconds of initiating and of completing."""
        initiate, complete = (1000 * percentile(sorted(each), percent) for each in zip(*self.times, strict=True))
        return initiate, complete


async def upload(api: ApiClient, path: str, metadata: dict[str, str] | None = None) -> tuple[dict[str, Any], Times]:
    """Upload one file, with custom metadata if there is any; return it, and the times."""
    content = os.urandom(BYTES)
    begin = time.perf_counter()
    body = {"path": path, "size": BYTES, "method": "put"} | ({"metadata": metadata} if metadata else {})
    started: Any = await api.call("POST", "/v1/uploads", body)
    initiated = time.perf_counter() - begin
    done = await api.send(started, content)
    begin = time.perf_counter()
    file = await api.call("POST", f"/v1/uploads/{started['id']}/complete", done)
    return file, (initiated, time.perf_counter() - begin)


async def upload_at_once(api: ApiClient, path: str) -> tuple[dict[str, Any], Times]:
    """Upload one file whose content is in the request that begins it; return it, and the times: no completion."""
    content = b64encode(os.urandom(BYTES)).decode()
    begin = time.perf_counter()
    body = {"path": path, "size": BYTES, "method": "put", "content": content}
    done: Any = await api.call("POST", "/v1/uploads", body)
    return done["file"], (time.perf_counter() - begin, 0.0)


async def upload_all(stack: Stack, clients: int, files: int, send: Send = upload) -> Uploads:
    """Upload `files` by clients of one account each, which each wait for one file before they begin the next.

    Signing up is not measured: hashing eight passwords and sending eight mails takes as long as uploading 30 files.
    """
    times: list[Times] = []

    async def client(api: ApiClient, number: int) -> None:
        for index in range(files // clients):
            times.append((await send(api, f"/single/{number}-{index}.bin"))[1])

    async with AsyncExitStack() as closing:
        apis = [await closing.enter_async_context(new_account(stack.gateway)) for _ in range(clients)]

        async def all_clients() -> None:
            await asyncio.gather(*(client(api, number) for number, api in enumerate(apis)))

        seconds, cpu = await spent(stack, all_clients)
    return Uploads(files / seconds, Counter({name: 1000 * each / files for name, each in cpu.items()}), times)


async def measure_single(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    await upload_all(stack, CLIENTS, WARM_UP)
    alone = await upload_all(stack, 1, ALONE)
    together = await upload_all(stack, CLIENTS, FILES)
    alone_at_once = await upload_all(stack, 1, ALONE, upload_at_once)
    at_once = await upload_all(stack, CLIENTS, FILES, upload_at_once)
    initiate, complete = alone.latency(50)
    return [
        (f"4 KiB files one by one, {CLIENTS} clients", f"{together.rate:,.0f}/s"),
        ("CPU of one file", together.cpu_text),
        ("initiate, p50, one client", f"{initiate:.0f} ms"),
        ("complete, p50, one client", f"{complete:.0f} ms"),
        (f"the same files in one request each, {CLIENTS} clients", f"{at_once.rate:,.0f}/s"),
        ("CPU of one of these", at_once.cpu_text),
        ("its request, p50, one client", f"{alone_at_once.latency(50)[0]:.0f} ms"),
    ]
