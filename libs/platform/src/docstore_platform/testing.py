"""What tests of every service share."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(probe: Callable[[], Awaitable[T | None]], *, seconds: float = 120.0, every: float = 0.02) -> T:
    """The first truthy answer of `probe`; AssertionError with its last answer once `seconds` have passed.

    They are a bound for a machine that stands still at times, and no expectation.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = await probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {seconds} s")
        await asyncio.sleep(every)
