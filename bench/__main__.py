"""`make bench`: everything, or only the parts named, e.g. `python -m bench idle reads`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.table import Table

from bench.blocks import measure_blocks
from bench.browser import measure_browser
from bench.custom_metadata import measure_custom_metadata
from bench.dav import measure_dav
from bench.events import measure_events
from bench.feed import measure_feed
from bench.goals import goal_of
from bench.growth import measure_growth
from bench.hotspots import measure_hotspots
from bench.idle import measure_idle
from bench.latency import measure_latency
from bench.metadata_size import measure_metadata_size
from bench.packs import measure_packs
from bench.reads import measure_reads
from bench.recovery import measure_recovery
from bench.search_size import measure_search_size
from bench.single import measure_single
from bench.soak import measure_soak
from bench.stack import Stack, fresh_stack
from bench.sync import measure_sync, measure_sync_latency
from bench.uploads import measure_large_files, measure_small_files

Measure = Callable[[Stack], Awaitable[list[tuple[str, str]]]]

PARTS: dict[str, Measure] = {
    "idle": measure_idle,
    "recovery": measure_recovery,
    "latency": measure_latency,
    "reads": measure_reads,
    "events": measure_events,
    "feed": measure_feed,
    "single": measure_single,
    "metadata": measure_custom_metadata,
    "dav": measure_dav,
    "small": measure_small_files,
    "packs": measure_packs,
    "large": measure_large_files,
    "blocks": measure_blocks,
    "browser": measure_browser,
    "sync": measure_sync,
    "sync-latency": measure_sync_latency,
    "growth": measure_growth,
    "metadata-size": measure_metadata_size,
    "hotspots": measure_hotspots,
    "soak": measure_soak,
}
ALONE: dict[str, Callable[[], Awaitable[list[tuple[str, str]]]]] = {"search-size": measure_search_size}
"""Parts that start servers of their own, and run only if they are named: they need Java 17 and Maven."""


async def measure(names: list[str], console: Console) -> None:
    for name in names:
        if name in ALONE:
            await show(name, ALONE[name](), console)
    if in_stack := [name for name in names if name in PARTS]:
        async with fresh_stack() as stack:
            for name in in_stack:
                await show(name, PARTS[name](stack), console)


async def show(name: str, measured: Awaitable[list[tuple[str, str]]], console: Console) -> None:
    """Print the rows of a part, each beside its goal."""
    with console.status(f"measuring: {name}"):
        rows = await measured
    table = Table("what", "measured", "goal", title=name, title_justify="left", expand=True)
    for what, figure in rows:
        table.add_row(what, figure, goal_of(what))
    console.print(table)


def main() -> None:
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS and name not in ALONE]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join([*PARTS, *ALONE])}")
    asyncio.run(measure(names, Console()))


main()
