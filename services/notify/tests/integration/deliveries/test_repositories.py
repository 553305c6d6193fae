"""What is due is found by an index, by the database's clock, and by one instance, also of the release before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from notify_service import Notify

from docstore_notify.deliveries.queue_repository import MongoSubscriptionQueues
from docstore_notify.deliveries.repository import PENDING, MongoDeliveries
from docstore_notify.deliveries.rules import AttemptResult
from docstore_notify.domain import Delivery
from docstore_notify.rechecks.repository import MongoRechecks
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Collection, Database

pytestmark = pytest.mark.connected

WAITING = 3000
NOT_NOW = AttemptResult("not_now", "$busy")


def delivery(due_at: datetime, subscription_id: str | None = None) -> Delivery:
    now = datetime.now(UTC)
    channel = "webhook" if subscription_id else "email"
    return Delivery(
        new_id(), new_id(), channel, "upload_done", now, due_at, ({},), (new_id(),), subscription_id=subscription_id
    )


@pytest.fixture
def database(notify: Notify) -> Database:
    return notify.database


async def deliveries_in(database: Database, lease_seconds: float = 3600) -> MongoDeliveries:
    deliveries = MongoDeliveries(database, lease_seconds=lease_seconds)
    await deliveries.create_indexes()
    return deliveries


async def queues_in(database: Database, lease_seconds: float = 3600) -> MongoSubscriptionQueues:
    queues = MongoSubscriptionQueues(database, lease_seconds=lease_seconds)
    await queues.create_indexes()
    return queues


async def due_delivery(deliveries: MongoDeliveries) -> Delivery:
    due = delivery(datetime.now(UTC) - timedelta(seconds=1))
    await deliveries.save([], [due], None)
    return due


async def claimed_by_the_release_before(rows: Collection, id_: str) -> None:
    """As it claims: a token, and `next_at` at the end of its lease."""
    lease_end = {"$add": ["$$NOW", 60_000]}
    await rows.update_one({"_id": id_}, [{"$set": {"next_at": lease_end, "token": "theirs"}}], upsert=True)


async def keys_examined(collection: Collection, which: Any) -> int:
    plan = {"find": collection.name, "filter": which, "sort": {"next_at": 1}, "limit": 1}
    explained = await collection.database.command({"explain": plan, "verbosity": "executionStats"})
    return int(explained["executionStats"]["totalKeysExamined"])


async def test_due_deliveries_are_found_by_an_index(database: Database) -> None:
    """A look for due deliveries, or for due queues, reads no more than it finds."""
    deliveries, queues = await deliveries_in(database), await queues_in(database)
    later = datetime.now(UTC) + timedelta(hours=1)
    await deliveries.save([], [delivery(later) for _ in range(WAITING)], None)
    await database["lanes"].insert_many([{"_id": new_id(), "next_at": later} for _ in range(WAITING)])
    due = {"next_at": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}, "$expr": {"$lte": ["$next_at", "$$NOW"]}}
    assert await keys_examined(database["deliveries"], {**PENDING, **due}) <= 2
    assert await keys_examined(database["lanes"], due) <= 2
    assert await deliveries.claim() is None
    assert await queues.claim() is None
    due_in = await deliveries.due_in()
    assert due_in is not None
    assert 3500 < due_in < 3700


async def test_a_claim_ends_by_the_databases_clock(database: Database) -> None:
    """A claimed delivery is due again once it is postponed to now, and not before; so is a queue."""
    deliveries, queues = await deliveries_in(database), await queues_in(database)
    await due_delivery(deliveries)
    await queues.add_to([new_id()], None)
    first, queue = await deliveries.claim(), await queues.claim()
    assert first is not None
    assert queue is not None
    assert await deliveries.claim() is None
    assert await queues.claim() is None
    await deliveries.postpone(first, timedelta(0), NOT_NOW, datetime.now(UTC))
    await queues.record_failure(queue, timedelta(0))
    again, queue_again = await deliveries.claim(), await queues.claim()
    assert again is not None
    assert (again.delivery.id, again.delivery.attempts) == (first.delivery.id, 2)
    assert again.lease.document["log"][0]["detail"] == "$busy"
    assert queue_again is not None
    assert (queue_again.failures, queue_again.failing_since is not None) == (1, True)


async def test_a_queue_rests_only_as_empty_as_it_was_found(database: Database) -> None:
    """What is added between the look and the rest is not forgotten; nor is a queue deleted with it."""
    queues = await queues_in(database)
    for end in (queues.rest, queues.delete):
        subscription_id = new_id()
        await queues.add_to([subscription_id], None)
        queue = await queues.claim()
        assert queue is not None
        await queues.add_to([subscription_id], None)
        await end(queue)
        again = await queues.claim()
        assert again is not None
        await end(again)
        assert await queues.due_at(subscription_id) is None
        assert await queues.claim() is None


async def test_deliveries_leased_by_the_previous_release_are_not_claimed(database: Database) -> None:
    """Its lease counts: on a delivery, on a queue, and on a recheck."""
    deliveries, queues, rechecks = await deliveries_in(database), await queues_in(database), MongoRechecks(database)
    due = await due_delivery(deliveries)
    await claimed_by_the_release_before(database["deliveries"], due.id)
    await claimed_by_the_release_before(database["lanes"], new_id())
    await claimed_by_the_release_before(database["rechecks"], new_id())
    assert await deliveries.claim() is None
    assert await queues.claim() is None
    assert await rechecks.claim() is None


async def test_a_lost_lease_of_the_previous_release_changes_nothing(database: Database) -> None:
    """Its token is gone with our claim; what it takes over is no longer ours."""
    deliveries = await deliveries_in(database)
    due = await due_delivery(deliveries)
    await database["deliveries"].update_one({"_id": due.id}, {"$set": {"token": "theirs"}})
    claim = await deliveries.claim()
    assert claim is not None
    late = await database["deliveries"].update_one({"_id": due.id, "token": "theirs"}, {"$set": {"state": "failed"}})
    assert late.matched_count == 0
    await claimed_by_the_release_before(database["deliveries"], due.id)
    assert not await deliveries.end(claim, "sent", AttemptResult("sent"), datetime.now(UTC), None)


async def test_a_message_of_a_queue_is_marked_by_its_last_holder_alone(database: Database) -> None:
    """A worker that was paused beyond its lease changes nothing; a postponed message waits for its queue."""
    deliveries = await deliveries_in(database)
    subscription_id = new_id()
    waiting = delivery(datetime.now(UTC), subscription_id)
    await deliveries.save([], [waiting], None)
    first, second = await deliveries.claim_next(subscription_id), await deliveries.claim_next(subscription_id)
    assert first is not None
    assert second is not None
    now = datetime.now(UTC)
    assert not await deliveries.end(first, "sent", AttemptResult("sent"), now, None)
    await deliveries.postpone(second, timedelta(0), NOT_NOW, now)
    assert await deliveries.claim() is None
    third = await deliveries.claim_next(subscription_id)
    assert third is not None
    assert (third.delivery.id, third.delivery.attempts) == (waiting.id, 3)
    assert await deliveries.end(third, "sent", AttemptResult("sent"), now, None)
    assert await deliveries.claim_next(subscription_id) is None
