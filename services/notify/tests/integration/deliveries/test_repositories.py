"""What is due is found by an index, and by the database's clock, however much waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from docstore_notify.deliveries.queue_repository import MongoSubscriptionQueues
from docstore_notify.deliveries.repository import SCHEDULED, MongoDeliveries
from docstore_notify.deliveries.rules import AttemptResult
from docstore_notify.domain import Delivery
from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected

WAITING = 3000


def delivery(due_at: datetime) -> Delivery:
    now = datetime.now(UTC)
    return Delivery(new_id(), new_id(), "email", "upload_done", now, due_at, ({},), (new_id(),))


async def keys_examined(collection: Any, which: Any) -> int:
    plan = {"find": collection.name, "filter": which, "sort": {"next_at": 1}, "limit": 1}
    explained = await collection.database.command({"explain": plan, "verbosity": "executionStats"})
    return int(explained["executionStats"]["totalKeysExamined"])


async def test_what_is_due_is_found_at_once_among_much_that_waits(notify: Any) -> None:
    """A look for due mails, or for due queues, reads no more than it finds."""
    database = notify.database
    deliveries, queues = MongoDeliveries(database), MongoSubscriptionQueues(database)
    await deliveries.create_indexes()
    await queues.create_indexes()
    later = datetime.now(UTC) + timedelta(hours=1)
    async with await notify.mongo.database("admin").client.start_session() as session:
        await deliveries.save([], [delivery(later) for _ in range(WAITING)], session)
    await database["lanes"].insert_many([{"_id": new_id(), "next_at": later} for _ in range(WAITING)])
    due = {"$expr": {"$lte": ["$next_at", "$$NOW"]}}
    assert await keys_examined(database["deliveries"], {**SCHEDULED, **due}) <= 2
    assert await keys_examined(database["lanes"], {"next_at": {"$exists": True}, **due}) <= 2
    assert await deliveries.claim(60) is None
    assert await queues.claim(60) is None
    due_in = await deliveries.due_in()
    assert due_in is not None
    assert 3500 < due_in < 3700


async def test_a_claim_ends_by_the_databases_clock(notify: Any) -> None:
    """A claimed mail is due again once its lease is over, and not before; so is a queue."""
    database = notify.database
    deliveries, queues = MongoDeliveries(database), MongoSubscriptionQueues(database)
    async with await notify.mongo.database("admin").client.start_session() as session:
        await deliveries.save([], [delivery(datetime.now(UTC) - timedelta(seconds=1))], session)
        await queues.feed([new_id()], session)
    first, queue = await deliveries.claim(3600), await queues.claim(3600)
    assert first is not None
    assert queue is not None
    assert await deliveries.claim(3600) is None
    assert await queues.claim(3600) is None
    await deliveries.postpone(first, timedelta(0), AttemptResult("not_now", "$busy"), datetime.now(UTC))
    await queues.failed(queue, timedelta(0))
    again, lane_again = await deliveries.claim(3600), await queues.claim(3600)
    assert again is not None
    assert (again.delivery.id, again.delivery.attempts) == (first.delivery.id, 2)
    assert lane_again is not None
    assert (lane_again.failures, lane_again.failing_since is not None) == (1, True)
