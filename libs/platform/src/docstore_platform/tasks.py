"""Cancellation of asyncio tasks, and waits with a time limit."""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Any

CANCEL_AGAIN_SECONDS = 1.0


async def end_tasks(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancel tasks until all have ended, in any way: once may not be enough.

    aiokafka's clients swallow a cancellation while they close. So does, before Python 3.12, `asyncio.wait_for`, by
    which pymongo waits for a server, if its result arrives at the same moment.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)


async def happens_within(seconds: float, event: asyncio.Event) -> bool:
    """Wait until `event` is set, at most `seconds`; return whether it is."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
