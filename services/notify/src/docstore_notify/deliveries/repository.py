"""Repository of deliveries: written with their events, claimed by workers under a lease."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from docstore_notify.deliveries.documents import attempt_row, log_entry, log_with
from docstore_notify.deliveries.rules import AttemptResult, DeliveryLogEntry
from docstore_notify.delivery_documents import delivery_of, followed_in, row_of
from docstore_notify.domain import Delivery, State
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    InsertOne,
    PyMongoError,
    ReturnDocument,
    Session,
    UpdateOne,
    server_time,
)
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

DatabaseError = PyMongoError
"""Error of a write that may succeed later."""
KEPT_SECONDS = 30 * 24 * 3600
STREAM_KEPT_SECONDS = 24 * 3600
PENDING: Document = {"state": "pending"}
"""Those claimed one by one have `next_at`; those of a subscription's queue don't."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery leased by this worker."""

    delivery: Delivery
    lease: Lease


class Deliveries(Protocol):
    """All deliveries, and the last one of each stream."""

    async def now(self) -> datetime:
        """Return the time by which it is decided what is due: no clock of an instance delays a delivery."""

    async def latest(self, streams: Several[str], session: Session) -> dict[str, Delivery]:
        """Return the last delivery of each stream, if known."""

    async def save(self, known: Several[Delivery], deliveries: Sequence[Delivery], session: Session) -> None:
        """Add new deliveries, extend those that are `known`, and store which is the last of each stream."""

    async def claim(self) -> Claim | None:
        """Claim the delivery that has been due longest."""

    async def claim_next(self, subscription_id: str) -> Claim | None:
        """Claim the oldest delivery of a subscription's queue, while the queue is leased."""

    async def due_in(self) -> float | None:
        """Return the seconds until the next one may be claimed."""

    async def end(self, claim: Claim, state: State, attempt: AttemptResult, now: datetime, session: Session) -> bool:
        """Mark it sent or failed; False if another worker has claimed it meanwhile."""

    async def postpone(self, claim: Claim, wait: timedelta, attempt: AttemptResult, now: datetime) -> None:
        """Release it, to be claimed again after `wait`, or when its queue is due."""

    async def fail_waiting(
        self, subscription_id: str, reason: str, limit: int, now: datetime, session: Session
    ) -> list[Delivery]:
        """Mark the pending deliveries of a subscription's queue as failed."""

    async def keep_ended(self, delivery: Delivery, attempt: AttemptResult, now: datetime, session: Session) -> None:
        """Store a delivery that was sent at once."""

    async def log(self, subscription_id: str, before: str, limit: int) -> list[DeliveryLogEntry]:
        """Return the deliveries of a subscription before `before`, newest first."""

    async def find(self, delivery_id: str) -> Delivery | None: ...

    async def pending_events(self, event_ids: set[str]) -> set[str]:
        """Return those of the events with a pending delivery, except digests that are not due yet."""


class MongoDeliveries:
    """`next_at`: when a worker may claim a delivery; `due_at`: when it was planned for."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._database = database
        self._deliveries: Collection = database["deliveries"]
        self._queue = LeaseQueue(
            self._deliveries,
            "notify deliveries",
            lease_seconds=lease_seconds,
            legacy_owner="token",
            due_field="next_at",
        )
        self._streams: Collection = database["streams"]

    async def create_indexes(self) -> None:
        pending: dict[str, Any] = {"partialFilterExpression": {"state": "pending"}}
        followed: dict[str, Any] = {"partialFilterExpression": {"followed": {"$exists": True}}}
        await self._deliveries.create_indexes(
            [
                IndexModel([("next_at", ASCENDING)], name="due", **pending),
                IndexModel([("subscription_id", ASCENDING), ("_id", ASCENDING)], name="lane", **pending),
                IndexModel([("event_ids", ASCENDING)], name="untold", **pending),
                IndexModel([("followed", ASCENDING), ("_id", DESCENDING)], name="log", **followed),
                IndexModel("ended_at", expireAfterSeconds=KEPT_SECONDS),
            ]
        )
        await self._streams.create_index("due_at", expireAfterSeconds=STREAM_KEPT_SECONDS)

    async def now(self) -> datetime:
        return await server_time(self._database)

    async def latest(self, streams: Several[str], session: Session) -> dict[str, Delivery]:
        ids = [row["delivery_id"] async for row in self._streams.find({"_id": {"$in": list(streams)}}, session=session)]
        rows = self._deliveries.find({"_id": {"$in": ids}}, session=session)
        found = [delivery_of(row) async for row in rows]
        return {delivery.stream: delivery for delivery in found}

    async def save(self, known: Several[Delivery], deliveries: Sequence[Delivery], session: Session) -> None:
        before = {delivery.id: delivery for delivery in known}
        writes = [
            _growth(before[delivery.id], delivery) if delivery.id in before else InsertOne(row_of(delivery))
            for delivery in deliveries
        ]
        await self._deliveries.bulk_write(writes, session=session)
        last = {delivery.stream: delivery for delivery in deliveries if delivery.subscription_id is None}
        heads = [
            UpdateOne({"_id": stream}, {"$set": {"delivery_id": delivery.id, "due_at": delivery.due_at}}, upsert=True)
            for stream, delivery in last.items()
        ]
        if heads:
            await self._streams.bulk_write(heads, session=session)

    async def claim(self) -> Claim | None:
        lease = await self._queue.claim(PENDING)
        return Claim(delivery_of(lease.document), lease) if lease else None

    async def claim_next(self, subscription_id: str) -> Claim | None:
        owner = new_id()
        row = await self._deliveries.find_one_and_update(
            {**PENDING, "subscription_id": subscription_id},
            {"$set": {"lease_owner": owner}, "$inc": {"attempts": 1}, "$unset": {"token": ""}},
            sort=[("_id", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return Claim(delivery_of(row), Lease(row["_id"], owner, row["attempts"], row)) if row else None

    async def due_in(self) -> float | None:
        return await self._queue.due_in(PENDING)

    async def end(self, claim: Claim, state: State, attempt: AttemptResult, now: datetime, session: Session) -> bool:
        outcome = {"state": state, "ended_at": now, "log": log_with(claim.lease.document, attempt, now)}
        try:
            await self._queue.complete(claim.lease, outcome, session=session)
        except LeaseLost:
            return False
        return True

    async def postpone(self, claim: Claim, wait: timedelta, attempt: AttemptResult, now: datetime) -> None:
        changes: Document = {"error": attempt.detail, "log": log_with(claim.lease.document, attempt, now)}
        if claim.delivery.subscription_id is not None:
            release = {**self._queue.due(None), "$set": changes}
            await self._deliveries.update_one(self._queue.held(claim.lease), release)
            return
        with suppress(LeaseLost):
            await self._queue.postpone(claim.lease, wait.total_seconds(), changes)

    async def fail_waiting(
        self, subscription_id: str, reason: str, limit: int, now: datetime, session: Session
    ) -> list[Delivery]:
        which = {"state": "pending", "subscription_id": subscription_id}
        rows = await self._deliveries.find(which, session=session, sort=[("_id", 1)], limit=limit).to_list(limit)
        change = {**self._queue.due(None), "$set": {"state": "failed", "ended_at": now, "error": reason}}
        ids = [row["_id"] for row in rows]
        await self._deliveries.update_many({"_id": {"$in": ids}}, change, session=session)
        return [delivery_of(row) for row in rows]

    async def keep_ended(self, delivery: Delivery, attempt: AttemptResult, now: datetime, session: Session) -> None:
        log = [attempt_row(attempt, now)]
        row = {**row_of(delivery), "state": delivery.state, "ended_at": now, "log": log, "attempts": 1}
        row.pop("next_at", None)
        await self._deliveries.insert_one(row, session=session)

    async def log(self, subscription_id: str, before: str, limit: int) -> list[DeliveryLogEntry]:
        condition: Document = {"followed": subscription_id}
        if before:
            condition["_id"] = {"$lt": before}
        rows = self._deliveries.find(condition).sort("_id", -1).limit(limit)
        return [log_entry(row) async for row in rows]

    async def find(self, delivery_id: str) -> Delivery | None:
        row = await self._deliveries.find_one({"_id": delivery_id})
        return delivery_of(row) if row else None

    async def pending_events(self, event_ids: set[str]) -> set[str]:
        gathering = {"attempts": 0, "$expr": {"$gt": ["$next_at", "$$NOW"]}}
        which = {"state": "pending", "event_ids": {"$in": list(event_ids)}, "$nor": [gathering]}
        rows = self._deliveries.find(which, {"event_ids": 1})
        return event_ids & {event_id async for row in rows for event_id in row["event_ids"]}


def _growth(before: Delivery, after: Delivery) -> UpdateOne:
    items, event_ids = after.items[len(before.items) :], after.event_ids[len(before.event_ids) :]
    change: dict[str, Any] = {"$push": {"items": {"$each": list(items)}, "event_ids": {"$each": list(event_ids)}}}
    if after.due_at != before.due_at:
        change["$set"] = {"due_at": after.due_at, "next_at": after.due_at}
    followed = followed_in(after)
    if followed:
        change["$addToSet"] = {"followed": {"$each": followed}}
    return UpdateOne({"_id": after.id}, change)
