"""Parks an idle consumer, for a broker that answers an empty fetch only when its wait is over.

A long wait delays what comes, a short one costs CPU all day; a paused consumer sends no fetch at all. But it also drops
the answer to a fetch that is under way, which on a busy machine may be the one with the events: so a consumer is paused
only once a fetch has reached the end of its logs, never because time has passed.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaConsumer

from docstore_events.consuming.fetch_wait import Fetches
from docstore_work.wakeup import Wakeup

QUIET_SECONDS = 0.25


class Activity:
    """When a consumer has last had something to do."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.handling = False
        self._monotonic = monotonic
        self._last = monotonic()

    def note(self) -> None:
        self._last = self._monotonic()

    def is_over(self) -> bool:
        """Whether nothing is handled, and nothing has been for a while: what comes, mostly comes in rows."""
        return not self.handling and self._monotonic() - self._last >= QUIET_SECONDS


async def park_when_idle(
    kafka: AIOKafkaConsumer, fetches: Fetches, activity: Activity, topics: Iterable[str], look_seconds: float
) -> None:
    """Have fetches sent only when this process publishes something, and every `look_seconds`; until cancelled."""
    wakeup = Wakeup(topics)
    try:
        while True:
            await fetches.answered()
            if not (activity.is_over() and await fetches.at_end()):
                await asyncio.sleep(QUIET_SECONDS / 4)
                continue
            kafka.pause(*kafka.assignment())
            woken = await wakeup.wait(look_seconds)
            fetches.ask_anew()
            kafka.resume(*kafka.paused())
            if woken:
                activity.note()
    finally:
        wakeup.close()
