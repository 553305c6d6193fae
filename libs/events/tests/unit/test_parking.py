"""When an idle consumer stops fetching: only once the broker has had the time to look to the end of its logs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from docstore_events.consuming import kafka_reader
from docstore_events.consuming.kafka_reader import Activity, park_when_idle
from docstore_platform.tasks import end_tasks
from docstore_platform.testing import eventually
from docstore_work.wakeup import wake

TOPIC = "parking.files"
HOUR = 3600.0


class FakeLog:
    """A consumer of one log, and its fetches, whose answers the test gives."""

    def __init__(self) -> None:
        self.paused_now = False
        self.parkings = 0
        self.ends_here = True
        self.answer = asyncio.Event()

    def assignment(self) -> set[str]:
        return {TOPIC}

    def paused(self) -> set[str]:
        return {TOPIC} if self.paused_now else set()

    def pause(self, *_: str) -> None:
        self.paused_now = True
        self.parkings += 1

    def resume(self, *_: str) -> None:
        self.paused_now = False

    def ask_anew(self) -> None:
        self.answer.clear()

    async def answered(self) -> None:
        await self.answer.wait()

    async def at_end(self) -> bool:
        return self.answer.is_set() and self.ends_here


@asynccontextmanager
async def parking_of(log: FakeLog, look_seconds: float) -> AsyncIterator[None]:
    kafka: Any = log
    fetches: Any = log
    task = asyncio.create_task(park_when_idle(kafka, fetches, _long_idle(), [TOPIC], look_seconds))
    try:
        yield
    finally:
        await end_tasks([task])


def _long_idle() -> Activity:
    """Of a consumer for whom an hour passes with each look at the clock."""
    times = iter(range(0, 10**9, int(HOUR)))
    return Activity(lambda: next(times))


async def _parked(log: FakeLog, times: int) -> None:
    async def parked() -> bool:
        return log.parkings >= times

    await eventually(parked, every=0.001)


async def _resumed(log: FakeLog) -> None:
    async def resumed() -> bool:
        return not log.paused_now

    await eventually(resumed, every=0.001)


async def _others_had_their_turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("look_seconds", [HOUR, 0.001], ids=["woken", "looking"])
async def test_a_consumer_fetches_until_a_fetch_is_answered_and_the_log_ends_there(
    monkeypatch: pytest.MonkeyPatch, look_seconds: float
) -> None:
    """However long the broker takes: paused before, the consumer would drop the answer."""
    monkeypatch.setattr(kafka_reader, "QUIET_SECONDS", 0.004)
    log = FakeLog()
    async with parking_of(log, look_seconds):
        await _others_had_their_turns()
        assert not log.parkings  # nothing has been answered yet
        log.answer.set()
        await _parked(log, 1)
        wake(TOPIC)
        await _resumed(log)
        await _others_had_their_turns()
        assert log.parkings == 1  # the answer is late
        log.ends_here = False
        log.answer.set()
        await _others_had_their_turns()
        assert log.parkings == 1  # the answer found nothing, but the log goes on
        log.ends_here = True
        await _parked(log, 2)


async def test_what_is_published_while_the_consumer_is_about_to_park_wakes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fetch that reached the end had begun before."""
    monkeypatch.setattr(kafka_reader, "QUIET_SECONDS", 0.004)
    log = FakeLog()
    async with parking_of(log, HOUR):
        await asyncio.sleep(0)
        wake(TOPIC)
        log.answer.set()
        await _parked(log, 1)
        await _resumed(log)
        assert not log.answer.is_set()
