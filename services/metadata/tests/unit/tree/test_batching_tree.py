"""Batched reads: which read answers a call, failures and cancellation."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from docstore_metadata.tree.views.batching_tree import BatchedReads
from docstore_platform.testing import eventually


class Shelf:
    """A source whose reads wait for the test to release them."""

    def __init__(self, **values: int) -> None:
        self.values = values
        self.requested: list[list[str]] = []
        self.gates: list[asyncio.Event] = []

    async def read(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.requested.append(sorted(keys))
        gate = asyncio.Event()
        self.gates.append(gate)
        await gate.wait()
        return {key: self.values[key] for key in keys if key in self.values}

    async def reads_begun(self, count: int) -> None:
        async def begun() -> bool:
            return len(self.requested) >= count

        await eventually(begun, every=0.001)


async def test_calls_during_a_read_share_the_next_one() -> None:
    """Calls while reads are running wait for one read, which begins after them."""
    shelf = Shelf(a=1, b=2, c=3)
    reads = BatchedReads(shelf.read, at_once=1)
    first = asyncio.create_task(reads.get("a"))
    await shelf.reads_begun(1)
    later = [asyncio.create_task(reads.get(key)) for key in ("a", "b", "c", "absent", "b")]
    await asyncio.sleep(0)
    shelf.values["a"] = 10
    shelf.gates[0].set()
    await shelf.reads_begun(2)
    shelf.gates[1].set()
    await first
    assert await asyncio.gather(*later) == [10, 2, 3, None, 2]
    assert shelf.requested == [["a"], ["a", "absent", "b", "c"]]


async def test_a_second_read_begins_while_the_first_is_slow() -> None:
    """A slow read does not delay others while fewer than `at_once` are running."""
    shelf = Shelf(a=1, b=2)
    reads = BatchedReads(shelf.read, at_once=2)
    slow = asyncio.create_task(reads.get("a"))
    await shelf.reads_begun(1)
    quick = asyncio.create_task(reads.get("b"))
    await shelf.reads_begun(2)
    shelf.gates[1].set()
    assert await quick == 2
    assert not slow.done()
    shelf.gates[0].set()
    assert await slow == 1


async def test_consecutive_calls_are_always_answered() -> None:
    """Also a call at the moment in which a read ends."""

    async def read(keys: Sequence[str]) -> Mapping[str, int]:
        return dict.fromkeys(keys, 1)

    reads = BatchedReads(read, at_once=1)

    async def many(name: str) -> None:
        for _ in range(200):
            assert await reads.get(name) == 1

    async with asyncio.timeout(10):
        await asyncio.gather(*(many(f"key {number}") for number in range(7)))


async def test_a_failed_read_fails_for_its_callers_only() -> None:
    """Each gets the error; the next call reads again."""
    failures = [ConnectionError("gone")]

    async def read(keys: Sequence[str]) -> Mapping[str, int]:
        if failures:
            raise failures.pop()
        return dict.fromkeys(keys, 1)

    reads = BatchedReads(read)
    errors = await asyncio.gather(reads.get("a"), reads.get("b"), return_exceptions=True)
    assert [type(error) for error in errors] == [ConnectionError, ConnectionError]
    assert await reads.get("a") == 1


async def test_a_cancelled_call_does_not_affect_others() -> None:
    """They wait for the same key and get its value."""
    shelf = Shelf(a=1)
    reads = BatchedReads(shelf.read)
    impatient, patient = asyncio.create_task(reads.get("a")), asyncio.create_task(reads.get("a"))
    await shelf.reads_begun(1)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    shelf.gates[0].set()
    assert await patient == 1
