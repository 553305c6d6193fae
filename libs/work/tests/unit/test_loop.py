"""Loops of background work: as long as there is some, again after a failure, and at a wake-up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from docstore_platform.testing import eventually
from docstore_work.loop import Loop, running_loops
from docstore_work.wakeup import Wakeup, wake

HOUR = 3600.0


class Work:
    """What is due; each piece may fail first."""

    def __init__(self, due: int, failures: int = 0) -> None:
        self.due, self.failures, self.looks = due, failures, 0

    async def __call__(self) -> int:
        self.looks += 1
        if self.failures:
            self.failures -= 1
            raise ConnectionError("not now")
        self.due, done = max(0, self.due - 1), self.due
        return done

    async def looked(self, times: int) -> None:
        async def so_often() -> bool:
            return self.looks >= times

        await eventually(so_often)


@asynccontextmanager
async def working(work: Work, *, every_seconds: float = HOUR, retry_seconds: float = HOUR) -> AsyncIterator[None]:
    async with running_loops([Loop("test work", work, "test:work", every_seconds, retry_seconds)]):
        yield


async def test_due_work_runs_without_a_pause() -> None:
    """Then nothing is queried until a wake-up."""
    work = Work(due=3)
    async with working(work):
        await work.looked(4)
        work.due = 2
        wake("test:work")
        await work.looked(7)
    assert (work.due, work.looks) == (0, 7)


async def test_a_lost_wakeup_costs_one_pause_only() -> None:
    """A wake-up that was lost, as from another process, costs no more than the pause between two looks."""
    work = Work(due=0)
    async with working(work, every_seconds=0.01):
        await work.looked(3)


async def test_failed_work_is_retried() -> None:
    """After its pause, however often it fails."""
    work = Work(due=2, failures=3)
    async with working(work, retry_seconds=0.01):
        await work.looked(6)
    assert (work.due, work.looks) == (0, 6)


async def test_a_failure_waits_for_its_pause() -> None:
    """What an operator has to mend is not tried at once, and a wake-up changes nothing."""
    work, clock = Work(due=1, failures=1), Work(due=0)
    async with working(work, every_seconds=0.001), working(clock, every_seconds=0.001):
        await work.looked(1)
        wake("test:work")
        await clock.looked(clock.looks + 20)
    assert (work.due, work.looks) == (1, 1)


async def test_periodic_work_waits_whatever_it_returns() -> None:
    """Work that always finds something is still done once in its interval."""
    work = Work(due=10**6)
    async with running_loops([Loop.periodic("test work", work, HOUR)]):
        await work.looked(1)
        await asyncio.sleep(0)
    assert work.looks == 1


async def test_a_sweep_runs_until_nothing_is_due() -> None:
    """What then fails may need an operator, so it is retried at the next interval only."""
    work, sweep = Work(due=2), Loop.sweeping("test work", Work(due=0), HOUR)
    async with running_loops([Loop.sweeping("test work", work, HOUR)]):
        await work.looked(3)
    assert (work.due, sweep.retry_seconds) == (0, HOUR)


async def test_an_idle_loop_looks_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to `idle_seconds`, and as often as before once it is woken."""
    pauses: list[float] = []

    async def wait(_: Wakeup, seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) == 6:
            raise asyncio.CancelledError
        return len(pauses) == 4

    monkeypatch.setattr(Wakeup, "wait", wait)
    with pytest.raises(asyncio.CancelledError):
        await Loop("test work", Work(due=0), "test:work", every_seconds=1.0, idle_seconds=5.0).run()
    assert pauses == [1.0, 2.0, 4.0, 5.0, 1.0, 2.0]
