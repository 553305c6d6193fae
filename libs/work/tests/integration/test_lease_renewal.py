"""Leases that are renewed while work runs, on a real MongoDB."""

from datetime import timedelta
from functools import partial

import pytest
from prometheus_client import REGISTRY
from server_clock import ServerClock

from docstore_platform.testing import eventually
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

pytestmark = pytest.mark.connected


async def test_a_lease_outlasts_its_time_while_it_is_renewed(queue: LeaseQueue, clock: ServerClock) -> None:
    """Nobody else gets the document until the block has ended; then its lease ends by itself, as that of the dead."""
    lease = await _begun(queue)
    async with queue.renewing(lease):
        for _ in range(3):
            clock.advance(queue.lease_seconds * 0.8)
            await eventually(partial(_is_held_from_now_on, queue, clock))
            assert await queue.claim() is None
    clock.advance(queue.lease_seconds)
    assert await queue.claim()
    with pytest.raises(LeaseLost):
        await queue.complete(lease)


async def test_a_lost_lease_is_not_renewed(queue: LeaseQueue, clock: ServerClock) -> None:
    """The renewal ends quietly, the block goes on, and its write at the end is refused."""
    lease = await _begun(queue)
    clock.advance(queue.lease_seconds)
    taken = await queue.claim()
    assert taken
    lost = _lost(queue)
    async with queue.renewing(lease):
        await eventually(partial(_are_lost, queue, lost + 1))
    with pytest.raises(LeaseLost):
        await queue.complete(lease)
    await queue.complete(taken)


async def _begun(queue: LeaseQueue) -> Lease:
    queue.lease_seconds = 0.3  # by the clock of renewals, which is not the test's
    await queue.add("long", {})
    lease = await queue.claim()
    assert lease
    return lease


async def _is_held_from_now_on(queue: LeaseQueue, clock: ServerClock) -> bool:
    held_until = clock.now + timedelta(seconds=queue.lease_seconds)
    return await queue.collection.count_documents({"lease_until": held_until}) == 1


def _lost(queue: LeaseQueue) -> float:
    return REGISTRY.get_sample_value("docstore_work_leases_total", {"queue": queue.name, "event": "lost"}) or 0.0


async def _are_lost(queue: LeaseQueue, number: float) -> bool:
    return _lost(queue) == number
