"""A queue that instances of the release before use at the same time, on a real MongoDB."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from server_clock import LEASE_SECONDS, ServerClock

from docstore_platform.mongodb.client import Collection
from docstore_work.lease_queue import LeaseLost, LeaseQueue

pytestmark = pytest.mark.connected


async def test_the_field_of_the_release_before_shows_what_is_held(collection: Collection, clock: ServerClock) -> None:
    """Null where no one holds a document, as that release expects, and not null while this one does."""
    queue = LeaseQueue(
        collection, "test", lease_seconds=LEASE_SECONDS, legacy_owner="lease", legacy_null=True, clock=clock
    )

    async def shown() -> Any:
        row = await collection.find_one({"_id": "a"})
        assert row is not None
        return row["lease"]

    await collection.insert_one({"_id": "a", "due_at": clock.now, "attempts": 0, "lease": None})
    lease = await queue.claim()
    assert lease is not None
    assert await shown() == ""
    await queue.postpone(lease, 0)
    assert await shown() is None
    lease = await queue.claim()
    assert lease is not None
    await queue.complete(lease, {"done": True})
    assert await shown() is None


async def test_the_release_before_and_this_one_share_a_queue(collection: Collection, clock: ServerClock) -> None:
    """Neither writes with a lease that an instance of the other release has taken over meanwhile."""
    queue = LeaseQueue(collection, "test", lease_seconds=LEASE_SECONDS, legacy_owner="lease", clock=clock)
    await collection.insert_one({"_id": "a", "due_at": clock.now, "attempts": 0, "lease": None})
    ours = await queue.claim()
    assert ours is not None
    clock.advance(LEASE_SECONDS)
    await collection.update_one({"_id": "a"}, {"$set": {"lease": "theirs", "due_at": clock.now + timedelta(days=1)}})
    with pytest.raises(LeaseLost):
        await queue.complete(ours)
    clock.advance(2 * 86400)
    assert await queue.claim() is not None
    assert not (await collection.update_one({"_id": "a", "lease": "theirs"}, {"$set": {"done": True}})).matched_count


@pytest.mark.parametrize(
    "write",
    [
        {"$set": {"lease": None, "due_at": datetime(2026, 1, 1, tzinfo=UTC)}},
        {"$set": {"lease": None}, "$unset": {"due_at": ""}},
    ],
    ids=["queues it anew", "completes it"],
)
async def test_a_write_of_the_release_before_takes_the_lease_away(
    collection: Collection, clock: ServerClock, write: dict[str, object]
) -> None:
    """That release does not know `lease_owner`, and still nothing of what it overtook is stored."""
    queue = LeaseQueue(
        collection, "test", lease_seconds=LEASE_SECONDS, legacy_owner="lease", legacy_null=True, clock=clock
    )
    await collection.insert_one({"_id": "a", "due_at": clock.now, "attempts": 0, "lease": None})
    ours = await queue.claim()
    assert ours is not None
    await collection.update_one({"_id": "a"}, write)
    await queue.postpone_batch([ours], 1)
    with pytest.raises(LeaseLost):
        await queue.complete_batch([(ours, {"done": True})])
    row = await collection.find_one({"_id": "a"})
    assert (row.get("done"), row["attempts"], row["lease"]) == (None, 1, None)
