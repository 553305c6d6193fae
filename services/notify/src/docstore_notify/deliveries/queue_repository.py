"""Repository of subscription queues: deliveries of a subscription to a machine are sent one at a time, in order."""

from collections.abc import Collection as Several
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Session, UpdateOne, server_time
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class SubscriptionQueue:
    """A queue leased by this worker."""

    subscription_id: str
    lease: Lease
    added: int
    """Counts additions; shows whether an empty queue is still as it was found."""
    failures: int
    """Failed attempts since the last success."""
    failing_since: datetime | None
    """By the database's clock."""
    failing_for: timedelta


class SubscriptionQueues(Protocol):
    async def add_to(self, subscription_ids: Several[str], session: Session) -> None:
        """Record that there are deliveries; a queue that waits after a failure keeps waiting."""

    async def claim(self) -> SubscriptionQueue | None:
        """Lease the queue that has been due longest."""

    async def record_success(self, queue: SubscriptionQueue) -> None:
        """Record that a message was accepted: earlier failures no longer count."""

    async def record_failure(self, queue: SubscriptionQueue, wait: timedelta) -> None:
        """Release a queue after a failed attempt; it is due again after `wait`."""

    async def release(self, queue: SubscriptionQueue, wait: timedelta = NO_TIME) -> None:
        """Release a queue without counting a failure; it is due again after `wait`."""

    async def rest(self, queue: SubscriptionQueue) -> None:
        """Release an empty queue: it is due after the next addition, or now if there was one meanwhile."""

    async def delete(self, queue: SubscriptionQueue) -> None:
        """Delete an empty queue, unless something was added meanwhile: then it is due now."""

    async def make_due(self, subscription_ids: Several[str]) -> None:
        """Make queues due now, whatever failed before; leased ones stay with their worker."""

    async def due_in(self) -> float | None:
        """Return the seconds until the next one is due; None if all are idle."""

    async def due_at(self, subscription_id: str) -> datetime | None:
        """Return when this one is due; None if it is idle."""


class MongoSubscriptionQueues:
    """Collection and fields have the names of the release before: instances of both work on the same documents."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._database = database
        self._queues: Collection = database["lanes"]
        self._queue = LeaseQueue(
            self._queues, "notify subscriptions", lease_seconds=lease_seconds, legacy_owner="token", due_field="next_at"
        )

    async def create_indexes(self) -> None:
        await self._queues.create_index(
            [("next_at", ASCENDING)], partialFilterExpression={"next_at": {"$exists": True}}, name="due"
        )

    async def add_to(self, subscription_ids: Several[str], session: Session) -> None:
        added = {"next_at": {"$ifNull": ["$next_at", "$$NOW"]}, "fed": {"$add": [{"$ifNull": ["$fed", 0]}, 1]}}
        writes = [UpdateOne({"_id": one}, [{"$set": added}], upsert=True) for one in subscription_ids]
        await self._queues.bulk_write(writes, ordered=False, session=session)

    async def claim(self) -> SubscriptionQueue | None:
        lease = await self._queue.claim()
        if lease is None:
            return None
        row = lease.document
        since = row.get("failing_since")
        failing_for = await self._now() - since if since else NO_TIME
        return SubscriptionQueue(lease.id, lease, row.get("fed", 0), row.get("failures", 0), since, failing_for)

    async def record_success(self, queue: SubscriptionQueue) -> None:
        with suppress(LeaseLost):
            await self._queue.renew(queue.lease, {"failures": 0, "failing_since": None})

    async def record_failure(self, queue: SubscriptionQueue, wait: timedelta) -> None:
        failure = {"failures": queue.failures + 1, "failing_since": queue.failing_since or await self._now()}
        with suppress(LeaseLost):
            await self._queue.postpone(queue.lease, wait.total_seconds(), failure)

    async def release(self, queue: SubscriptionQueue, wait: timedelta = NO_TIME) -> None:
        with suppress(LeaseLost):
            await self._queue.postpone(queue.lease, wait.total_seconds(), counted=False)

    async def rest(self, queue: SubscriptionQueue) -> None:
        as_found = {**self._queue.held(queue.lease), "fed": queue.added}
        outcome = await self._queues.update_one(as_found, self._queue.due(None))
        if not outcome.matched_count:
            await self.release(queue)

    async def delete(self, queue: SubscriptionQueue) -> None:
        as_found = {**self._queue.held(queue.lease), "fed": queue.added}
        outcome = await self._queues.delete_one(as_found)
        if not outcome.deleted_count:
            await self.release(queue)

    async def make_due(self, subscription_ids: Several[str]) -> None:
        if subscription_ids:
            not_held = {"token": {"$exists": False}, "lease_owner": None}
            await self._queues.update_many(
                {"_id": {"$in": list(subscription_ids)}, **not_held},
                [{"$set": {"next_at": "$$NOW"}}, {"$unset": ["failures", "failing_since"]}],
            )

    async def due_in(self) -> float | None:
        return await self._queue.due_in()

    async def due_at(self, subscription_id: str) -> datetime | None:
        row = await self._queues.find_one({"_id": subscription_id}, {"next_at": 1})
        return row.get("next_at") if row else None

    async def _now(self) -> datetime:
        return await server_time(self._database)
