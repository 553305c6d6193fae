"""Memory and CPU of a stack that nobody uses, and how long it took to start."""

import asyncio

import psutil

from bench.stack import Stack, status

SETTLE_SECONDS = 15
WATCH_SECONDS = 20


async def measure_idle(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    await asyncio.sleep(SETTLE_SECONDS)
    region = await status(stack.data)
    processes = [psutil.Process(part["pid"]) for part in region["parts"]]
    before = sum(sum(process.cpu_times()[:2]) for process in processes)
    await asyncio.sleep(WATCH_SECONDS)
    busy = sum(sum(process.cpu_times()[:2]) for process in processes) - before
    parts = ", ".join(f"{part['name']} {part['memory_mib']}" for part in region["parts"])
    return [
        ("`docstore up` on an empty folder until ready", f"{stack.start_seconds:.1f} s"),
        ("memory when idle (PSS, all processes)", f"{region['memory_mib']} MiB ({parts})"),
        ("CPU when idle", f"{busy / WATCH_SECONDS * 100:.1f} % of one core"),
    ]
