"""Small files uploaded one by one, as most integrations do, and the CPU time that each component spends on one."""

import asyncio
import os
import time
from collections import Counter
from statistics import median
from typing import Any

import psutil

from bench.accounts import new_account
from bench.stack import Stack, at_rest, status
from docstore_cli.api import ApiClient

CLIENTS = 8
FILES = int(os.environ.get("BENCH_SINGLE_FILES", "800"))
WARM_UP = 40
ALONE = 100
BYTES = 4096
IDLE_SECONDS = 5
GOALS = {"rate": "300/s", "cpu": "10 ms", "initiate": "4 ms", "complete": "8 ms"}

Times = tuple[float, float]
"""Seconds that initiating and completing took."""


async def cpu_seconds(stack: Stack) -> Counter[str]:
    """User and system time of each component's processes so far."""
    parts = {part["pid"]: part["name"] for part in (await status(stack.data))["parts"]}
    spent: Counter[str] = Counter()
    for pid, name in parts.items():
        process = psutil.Process(pid)
        for one in (process, *(child for child in process.children(recursive=True) if child.pid not in parts)):
            spent[name] += sum(one.cpu_times()[:2])
    return spent


async def _upload(api: ApiClient, path: str) -> Times:
    content = os.urandom(BYTES)
    begin = time.perf_counter()
    upload: Any = await api.call("POST", "/v1/uploads", {"path": path, "size": BYTES, "method": "put"})
    initiated = time.perf_counter() - begin
    done = await api.send(upload, content)
    begin = time.perf_counter()
    await api.call("POST", f"/v1/uploads/{upload['id']}/complete", done)
    return initiated, time.perf_counter() - begin


async def _upload_all(stack: Stack, clients: int, files: int) -> list[Times]:
    """Upload `files` by clients of one account each, which each wait for one file before they begin the next."""

    async def client(number: int) -> list[Times]:
        async with new_account(stack.gateway) as api:
            return [await _upload(api, f"/single/{number}-{index}.bin") for index in range(files // clients)]

    return [times for each in await asyncio.gather(*map(client, range(clients))) for times in each]


async def measure_single(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure): the CPU time includes what follows from the files by events, and no idle time."""
    await _upload_all(stack, CLIENTS, WARM_UP)
    alone = await _upload_all(stack, 1, ALONE)
    await at_rest(stack)
    before = await cpu_seconds(stack)
    await asyncio.sleep(IDLE_SECONDS)
    begin = time.perf_counter()
    start = await cpu_seconds(stack)
    await _upload_all(stack, CLIENTS, FILES)
    elapsed = time.perf_counter() - begin
    await at_rest(stack)
    end = await cpu_seconds(stack)
    spent_for = time.perf_counter() - begin
    idle = {name: (start[name] - before[name]) / IDLE_SECONDS * spent_for for name in start}
    by_component = {name: 1000 * (end[name] - start[name] - idle[name]) / FILES for name in end}
    parts = ", ".join(f"{name} {each:.1f}" for name, each in by_component.items() if each >= 0.05)
    initiate, complete = (1000 * median(times) for times in zip(*alone, strict=True))
    return [
        (f"4 KiB files one by one, {CLIENTS} clients", f"{FILES / elapsed:,.0f}/s (goal {GOALS['rate']})"),
        (f"CPU of one file ({parts})", f"{sum(by_component.values()):.1f} ms (goal {GOALS['cpu']})"),
        ("initiate, p50, one client", f"{initiate:.0f} ms (goal {GOALS['initiate']})"),
        ("complete, p50, one client", f"{complete:.0f} ms (goal {GOALS['complete']})"),
    ]
