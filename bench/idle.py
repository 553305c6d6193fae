"""Memory and CPU of an idle stack, and how long it took to start."""

import asyncio

from bench.stack import Stack, idle_cpu, restart, status

SETTLE_SECONDS = 15
WATCH_SECONDS = 20


async def idle_figures(stack: Stack) -> tuple[str, str]:
    """Memory (PSS) and CPU of a stack that was left alone for a while, with each component's share."""
    await asyncio.sleep(SETTLE_SECONDS)
    spent = await idle_cpu(stack, WATCH_SECONDS)
    region = await status(stack.data)
    memory = ", ".join(f"{part['name']} {part['memory_mib']}" for part in region["parts"])
    cpu = ", ".join(f"{name} {100 * each:.1f}" for name, each in spent.items())
    return f"{region['memory_mib']} MiB ({memory})", f"{100 * spent.total():.1f} % of one core ({cpu})"


async def measure_idle(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    memory, cpu = await idle_figures(stack)
    return [
        ("`docstore up` on an empty folder until ready", f"{stack.start_seconds:.1f} s"),
        ("ready on an existing folder", f"{await restart(stack):.1f} s"),
        ("memory when idle (PSS, all processes)", memory),
        ("CPU when idle", cpu),
    ]
