"""Where notify keeps its messages: written with the event they tell of, taken up by senders under a lease."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from docstore_notify.domain import Delivery, State
from docstore_platform.ids import new_id
from docstore_platform.mongo import (
    ASCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    InsertOne,
    ReturnDocument,
    Session,
    UpdateOne,
)

KEPT_SECONDS = 30 * 24 * 3600
STREAM_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this sender has until its lease ends."""

    delivery: Delivery
    token: str


class Deliveries(Protocol):
    """All messages, and the last one of each stream."""

    async def latest(self, streams: Several[str], session: Session) -> dict[str, Delivery]:
        """The last delivery of each stream, if it is remembered."""
        ...

    async def save(self, known: Several[Delivery], deliveries: Sequence[Delivery], session: Session) -> None:
        """Add those that are new, let those that are `known` grow, and remember the last of each stream."""
        ...

    async def claim(self, now: datetime, until: datetime) -> Claim | None:
        """Take up the delivery that has waited longest of those to be sent by now."""
        ...

    async def next_at(self) -> datetime | None:
        """When the next one is to be taken up."""
        ...

    async def end(self, claim: Claim, state: State, now: datetime, session: Session) -> bool:
        """Mark it sent or failed; False if another sender has taken it up meanwhile."""
        ...

    async def put_off(self, claim: Claim, until: datetime, error: str) -> None:
        """Give it back, to be taken up again at `until`."""
        ...

    async def untold(self, event_ids: set[str]) -> set[str]:
        """Those of the events that a pending delivery tells of."""
        ...


class MongoDeliveries:
    """`next_at` is when a sender may take a delivery up: claiming moves it to the end of the lease, so that a message
    whose sender died is simply due again."""

    def __init__(self, database: Database) -> None:
        self._deliveries: Collection = database["deliveries"]
        self._streams: Collection = database["streams"]

    async def create_indexes(self) -> None:
        pending: dict[str, Any] = {"partialFilterExpression": {"state": "pending"}}
        await self._deliveries.create_indexes(
            [
                IndexModel([("next_at", ASCENDING)], name="due", **pending),
                IndexModel([("event_ids", ASCENDING)], name="untold", **pending),
                IndexModel("ended_at", expireAfterSeconds=KEPT_SECONDS),
            ]
        )
        await self._streams.create_index("due_at", expireAfterSeconds=STREAM_KEPT_SECONDS)

    async def latest(self, streams: Several[str], session: Session) -> dict[str, Delivery]:
        ids = [row["delivery_id"] async for row in self._streams.find({"_id": {"$in": list(streams)}}, session=session)]
        rows = self._deliveries.find({"_id": {"$in": ids}}, session=session)
        found = [_delivery(row) async for row in rows]
        return {delivery.stream: delivery for delivery in found}

    async def save(self, known: Several[Delivery], deliveries: Sequence[Delivery], session: Session) -> None:
        before = {delivery.id: delivery for delivery in known}
        writes = [
            _growth(before[delivery.id], delivery) if delivery.id in before else InsertOne(_row(delivery))
            for delivery in deliveries
        ]
        await self._deliveries.bulk_write(writes, session=session)
        last = {delivery.stream: delivery for delivery in deliveries}
        heads = [
            UpdateOne({"_id": stream}, {"$set": {"delivery_id": delivery.id, "due_at": delivery.due_at}}, upsert=True)
            for stream, delivery in last.items()
        ]
        await self._streams.bulk_write(heads, session=session)

    async def claim(self, now: datetime, until: datetime) -> Claim | None:
        token = new_id()
        row = await self._deliveries.find_one_and_update(
            {"state": "pending", "next_at": {"$lte": now}},
            {"$set": {"next_at": until, "token": token}, "$inc": {"attempts": 1}},
            sort=[("next_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return Claim(_delivery(row), token) if row else None

    async def next_at(self) -> datetime | None:
        row = await self._deliveries.find_one({"state": "pending"}, {"next_at": 1}, sort=[("next_at", ASCENDING)])
        return row["next_at"] if row else None

    async def end(self, claim: Claim, state: State, now: datetime, session: Session) -> bool:
        outcome = await self._deliveries.update_one(
            _held(claim), {"$set": {"state": state, "ended_at": now}, "$unset": {"next_at": ""}}, session=session
        )
        return bool(outcome.matched_count)

    async def put_off(self, claim: Claim, until: datetime, error: str) -> None:
        await self._deliveries.update_one(_held(claim), {"$set": {"next_at": until, "error": error}})

    async def untold(self, event_ids: set[str]) -> set[str]:
        rows = self._deliveries.find({"state": "pending", "event_ids": {"$in": list(event_ids)}}, {"event_ids": 1})
        return event_ids & {event_id async for row in rows for event_id in row["event_ids"]}


def _held(claim: Claim) -> Document:
    return {"_id": claim.delivery.id, "state": "pending", "token": claim.token}


def _growth(before: Delivery, after: Delivery) -> UpdateOne:
    items, event_ids = after.items[len(before.items) :], after.event_ids[len(before.event_ids) :]
    push = {"items": {"$each": list(items)}, "event_ids": {"$each": list(event_ids)}}
    return UpdateOne({"_id": after.id}, {"$push": push})


def _row(delivery: Delivery) -> Document:
    return {
        "_id": delivery.id,
        "account_id": delivery.account_id,
        "channel": delivery.channel,
        "kind": delivery.kind,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at,
        "items": list(delivery.items),
        "event_ids": list(delivery.event_ids),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "traceparent": delivery.traceparent,
        "next_at": delivery.due_at,
    }


def _delivery(row: Document) -> Delivery:
    return Delivery(
        id=row["_id"],
        account_id=row["account_id"],
        channel=row["channel"],
        kind=row["kind"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        items=tuple(row["items"]),
        event_ids=tuple(row["event_ids"]),
        state=row["state"],
        attempts=row["attempts"],
        traceparent=row["traceparent"],
    )
