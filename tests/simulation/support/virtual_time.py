"""An event loop whose clock jumps to the next timer, so that a day of waiting takes no time, and the same clock for all
that asks for the time."""

import asyncio
import random
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

from docstore_events.pacing import Pacing

T = TypeVar("T")

BEGIN = 1_800_000_000.0
"""Unix time at which every simulation begins."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing: the time that the loop would have waited has passed at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("nothing will ever happen: no task is ready and no timer is set")
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with the time of the simulation, in seconds since its begin."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def simulate(main: Callable[[random.Random], Coroutine[Any, Any, T]], seed: int, skew: Callable[[], float]) -> T:
    """Run `main` with a random generator; time, ids and chance depend on `seed` alone.

    `skew`: seconds that the clock of the process that asks is ahead.
    """
    loop = VirtualLoop()
    with _clocks(loop, random.Random(seed), skew):
        random.seed(seed)
        try:
            return loop.run_until_complete(main(random.Random(seed)))
        finally:
            loop.close()


@contextmanager
def _clocks(loop: VirtualLoop, ids: random.Random, skew: Callable[[], float]) -> Iterator[None]:
    def unix() -> float:
        return BEGIN + loop.time() + skew()

    def uuid7() -> SimpleNamespace:
        return SimpleNamespace(hex=f"{int(unix() * 1000):012x}7{ids.getrandbits(76):019x}")

    before = Pacing.__init__.__defaults__ or ()
    with (
        patch.object(time, "monotonic", loop.time),
        patch.object(time, "time", unix),
        patch("docstore_platform.ids.uuid_utils", SimpleNamespace(uuid7=uuid7)),
        patch.object(Pacing.__init__, "__defaults__", (*before[:-1], loop.time)),
    ):
        yield
