"""The background work of quota."""

import asyncio

from docstore_quota import maintenance


async def test_work_that_fails_in_any_way_is_done_next_time() -> None:
    """A mistake in one task ends neither it nor the others: reservations would never expire again."""
    done = asyncio.Event()
    failures = [KeyError("a mistake of ours"), ValueError("another")]

    async def broken() -> None:
        if failures:
            raise failures.pop()

    async def expiry() -> None:
        if not failures:
            done.set()

    async with maintenance.running({"broken": broken, "expiry": expiry}, every_seconds=0.001):
        await asyncio.wait_for(done.wait(), 5)
