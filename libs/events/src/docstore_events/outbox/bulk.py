"""Bulk requests go before events: somebody waits for their answers, while events may come a few seconds later.

Only within a process, where both would share one processor: together each of them would take all the longer.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

BETWEEN_SECONDS = 0.2
"""Between two requests of one client, while it sends what the first was for."""
LOOK_SECONDS = 0.05

_in_progress = 0
_last_ended = -BETWEEN_SECONDS


@contextmanager
def bulk_request() -> Iterator[None]:
    """For the time in which a request is answered that changes hundreds of files."""
    global _in_progress, _last_ended
    _in_progress += 1
    try:
        yield
    finally:
        _in_progress -= 1
        _last_ended = time.monotonic()


async def let_bulk_pass(until: float) -> None:
    """Wait for bulk requests to be over, until this moment of the monotonic clock at the latest."""
    while time.monotonic() < until and _is_busy():  # noqa: ASYNC110 - that none has come for a while sets no event
        await asyncio.sleep(LOOK_SECONDS)


def _is_busy() -> bool:
    return _in_progress > 0 or time.monotonic() - _last_ended < BETWEEN_SECONDS
