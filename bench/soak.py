"""An hour in small: uploads, searches and deletions without a pause, and what is left of the stack after them."""

import asyncio
import os

from bench.accounts import new_account
from bench.idle import idle_figures
from bench.single import CLIENTS, Uploads, upload, upload_all
from bench.stack import Stack, restart

UPLOADS = int(os.environ.get("BENCH_SOAK_UPLOADS", "10000"))
SAMPLE = 160
"""Uploads that are measured before and after."""
DELETED_EVERY = 2
SEARCHED_EVERY = 4


async def measure_soak(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure): at the beginning and at the end."""
    memory_before, cpu_before = await idle_figures(stack)
    await upload_all(stack, CLIENTS, SAMPLE)
    first = await upload_all(stack, CLIENTS, SAMPLE)
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(_client(stack, UPLOADS // CLIENTS))
    last = await upload_all(stack, CLIENTS, SAMPLE)
    memory, cpu = await idle_figures(stack)
    return [
        (f"memory after {UPLOADS:,} uploads", f"{memory}; before {memory_before}"),
        (f"CPU idle after {UPLOADS:,} uploads", f"{cpu}; before {cpu_before}"),
        ("CPU of one file, first and last", f"{first.cpu_text}; {last.cpu_text}"),
        ("initiate / complete, p50 and p99, first and last", f"{_latency(first)}; {_latency(last)}"),
        ("ready on an existing folder, with these", f"{await restart(stack):.1f} s"),
    ]


async def _client(stack: Stack, files: int) -> None:
    """One account that uploads, deletes half of its files, and searches."""
    async with new_account(stack.gateway) as api:
        for number in range(files):
            file, _ = await upload(api, f"/soak/{number // 1000}/{number}.bin")
            if number % DELETED_EVERY == 0:
                await api.call("DELETE", f"/v1/files/{file['id']}")
            if number % SEARCHED_EVERY == 0:
                await api.call("GET", f"/v1/search?q={number // 2}")
            if number % 100 == 99:
                await api.refresh()  # before the token ends


def _latency(uploads: Uploads) -> str:
    p50, p99 = uploads.latency(50), uploads.latency(99)
    return f"{p50[0]:.0f} / {p50[1]:.0f} and {p99[0]:.0f} / {p99[1]:.0f} ms"
