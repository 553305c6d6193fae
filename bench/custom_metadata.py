"""What custom metadata adds to the upload of a small file: short turns with and without it, on one stack."""

import asyncio
import os
import statistics
import time
from collections import Counter
from contextlib import AsyncExitStack

from bench.accounts import new_account
from bench.single import CLIENTS, upload
from bench.stack import Stack, at_rest, cpu_seconds, idle_cpu
from docstore_cli.api import ApiClient

ROUNDS = int(os.environ.get("BENCH_METADATA_ROUNDS", "16"))
"""Of four turns: without, with, with, without. So neither gains by a stack that grows or a machine that slows down."""
FILES = int(os.environ.get("BENCH_METADATA_FILES", "96"))
"""In a turn."""
METADATA = {"author": "Ada Lovelace", "project": "Analytical Engine"}
IDLE_SECONDS = 5
LEAST_MS = 0.5
"""Components that need less for a file are in the sum alone."""
CERTAIN = 1.96
"""Standard errors on both sides that the true figure is within, 95 times of 100."""

Round = tuple[Counter[str], Counter[str]]
"""Milliseconds of CPU of each component for one file, without and with custom metadata."""


async def measure_custom_metadata(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    idle: Counter[str] = Counter()
    await _round(stack, idle)  # warm
    idle = await idle_cpu(stack, IDLE_SECONDS)
    rounds = [await _round(stack, idle) for _ in range(ROUNDS)]
    parts = ["all", *(part for part in idle if statistics.mean(without[part] for without, _ in rounds) >= LEAST_MS)]
    return [(f"{len(METADATA)} pairs of custom metadata: {part}", _figure(rounds, part)) for part in parts]


async def _round(stack: Stack, idle: Counter[str]) -> Round:
    """Four turns of accounts of its own, since log-ins end."""
    async with AsyncExitStack() as closing:
        clients = [await closing.enter_async_context(new_account(stack.gateway)) for _ in range(CLIENTS)]
        await at_rest(stack)
        turns = [
            await _turn(stack, clients, str(place), METADATA if place in (1, 2) else None, idle) for place in range(4)
        ]
    return _mean(turns[0], turns[3]), _mean(turns[1], turns[2])


async def _turn(
    stack: Stack, clients: list[ApiClient], name: str, metadata: dict[str, str] | None, idle: Counter[str]
) -> Counter[str]:
    """Milliseconds of CPU of each component for one file, with what follows from it by events, without idle time."""

    async def client(number: int) -> None:
        for index in range(FILES // len(clients)):
            await upload(clients[number], f"/{name}/{number}-{index}.bin", metadata)

    begin, start = time.perf_counter(), cpu_seconds(stack)
    await asyncio.gather(*map(client, range(len(clients))))
    await at_rest(stack)
    end, watched = cpu_seconds(stack), time.perf_counter() - begin
    spent = Counter({part: 1000 * (end[part] - start[part] - idle[part] * watched) / FILES for part in end})
    spent["all"] = spent.total()
    return spent


def _mean(one: Counter[str], other: Counter[str]) -> Counter[str]:
    return Counter({part: (one[part] + other[part]) / 2 for part in one})


def _figure(rounds: list[Round], part: str) -> str:
    without = statistics.mean(before[part] for before, _ in rounds)
    added = [after[part] - before[part] for before, after in rounds]
    percent = 100 * statistics.mean(added) / without
    error = 100 * CERTAIN * statistics.stdev(added) / len(added) ** 0.5 / without
    return f"{percent:+.1f} % (within {error:.1f}) of {without:.1f} ms"
