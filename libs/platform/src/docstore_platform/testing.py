"""Helpers for the tests of every service."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.5
PAUSE_SHARE = 0.2
"""Of the time waited so far."""


async def eventually(
    probe: Callable[[], Awaitable[T | None]], *, seconds: float = 120.0, every: float | None = None
) -> T:
    """Return the first truthy result of `probe`; AssertionError with the last result after `seconds`.

    The limit is generous because a machine may stand still at times. Without `every`, pauses grow with the wait, so
    that a long one does not load the services it probes.
    """
    began = time.monotonic()
    while True:
        response = await probe()
        if response:
            return response
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"still {response!r} after {seconds} s")
        growing = min(max(SHORTEST_PAUSE_SECONDS, waited * PAUSE_SHARE), LONGEST_PAUSE_SECONDS)
        await asyncio.sleep(every or growing)
