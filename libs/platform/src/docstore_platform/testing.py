"""Helpers for the tests of every service."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(probe: Callable[[], Awaitable[T | None]], *, seconds: float = 120.0, every: float = 0.02) -> T:
    """Return the first truthy result of `probe`; AssertionError with the last result after `seconds`.

    The limit is generous because a machine may stand still at times.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = await probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {seconds} s")
        await asyncio.sleep(every)
