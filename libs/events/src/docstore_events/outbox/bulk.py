"""Gives bulk requests priority over events: a client waits for them, while events may take a few seconds more.

Works within a process only, where both would slow each other down on the same processor.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

BETWEEN_SECONDS = 0.2
"""Longest pause between two requests of one client, while it sends bytes."""
LOOK_SECONDS = 0.05

_in_progress = 0
_last_ended = -BETWEEN_SECONDS


@contextmanager
def bulk_request() -> Iterator[None]:
    """Mark the time of a request that changes hundreds of files."""
    global _in_progress, _last_ended
    _in_progress += 1
    try:
        yield
    finally:
        _in_progress -= 1
        _last_ended = time.monotonic()


async def let_bulk_pass(until: float) -> None:
    """Wait until no bulk request is under way, at most until `until` on the monotonic clock."""
    while time.monotonic() < until and _is_busy():  # noqa: ASYNC110 - nothing signals a quiet moment
        await asyncio.sleep(LOOK_SECONDS)


def _is_busy() -> bool:
    return _in_progress > 0 or time.monotonic() - _last_ended < BETWEEN_SECONDS
