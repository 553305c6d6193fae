"""Transactions that would meet in a conflict take turns."""

import asyncio

import pytest

from docstore_events.transaction import Lanes


async def test_callers_of_one_lane_run_in_order() -> None:
    """First come, first served; another lane waits for no one; one that gives up holds no one up; nothing is left."""
    lanes = Lanes()
    order: list[str] = []
    gate, other_done = asyncio.Event(), asyncio.Event()

    async def take(name: str, lane: str) -> None:
        async with lanes.turn(lane):
            if name == "first":
                await gate.wait()
            order.append(name)
            if lane == "other":
                other_done.set()

    first = asyncio.create_task(take("first", "ann"))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(take(name, "ann")) for name in ("second", "gives up", "third")]
    elsewhere = asyncio.create_task(take("elsewhere", "other"))
    await other_done.wait()
    assert order == ["elsewhere"]
    waiting[1].cancel()
    gate.set()
    await asyncio.gather(first, elsewhere, waiting[0], waiting[2])
    with pytest.raises(asyncio.CancelledError):
        await waiting[1]
    assert order == ["elsewhere", "first", "second", "third"]
    assert not lanes._locks


async def test_a_failure_ends_a_turn() -> None:
    """The next one goes on."""
    lanes = Lanes()
    with pytest.raises(ValueError, match="broken"):
        async with lanes.turn("ann"):
            raise ValueError("broken")
    async with lanes.turn("ann"):
        pass
