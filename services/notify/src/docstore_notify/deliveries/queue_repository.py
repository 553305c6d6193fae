"""Repository of subscription queues: the deliveries of one subscription to a machine go out one at a time, in order."""

from collections.abc import Collection as Several
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_notify.due import after, seconds_until_due
from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Collection, Database, Document, ReturnDocument, Session, UpdateOne


@dataclass(frozen=True, slots=True)
class SubscriptionQueue:
    """A queue that this sender has until its lease ends."""

    subscription_id: str
    token: str
    fed: int
    """How often messages were put into it: tells whether it is still as empty as it was found."""
    failures: int
    """Tries that failed since the last that did not."""
    failing_since: datetime | None
    taken_at: datetime
    """By the database's clock, as all moments here."""


class SubscriptionQueues(Protocol):
    async def feed(self, subscription_ids: Several[str], session: Session) -> None:
        """Say that there are messages; one that waits after a failure goes on waiting."""
        ...

    async def claim(self, seconds: float) -> SubscriptionQueue | None:
        """Take up the queue that has been due longest, for so long."""
        ...

    async def renew(self, queue: SubscriptionQueue, seconds: float) -> bool:
        """False if another sender has taken it up."""
        ...

    async def worked(self, queue: SubscriptionQueue) -> None:
        """A message was accepted: what failed before is past."""
        ...

    async def failed(self, queue: SubscriptionQueue, wait: timedelta) -> None:
        """Give it back after a failed try; it is due again when `wait` is over."""
        ...

    async def give_back(self, queue: SubscriptionQueue, wait: timedelta) -> None:
        """It is due again when `wait` is over, and nobody is to blame."""
        ...

    async def empty(self, queue: SubscriptionQueue, *, forget: bool) -> None:
        """Nothing waited in it: it rests until it is fed, and goes for good if it is to be forgotten."""
        ...

    async def wake(self, subscription_ids: Several[str]) -> None:
        """Due now, after whatever failures; those that a sender has stay with it."""
        ...

    async def due_in(self) -> float | None:
        """Seconds until the next one is due; None if all rest."""
        ...

    async def next_at(self, subscription_id: str) -> datetime | None:
        """When this one is due; None if it rests."""
        ...


class MongoSubscriptionQueues:
    """`next_at` is when a sender may take a queue up; one at rest has none."""

    def __init__(self, database: Database) -> None:
        self._queues: Collection = database["lanes"]

    async def create_indexes(self) -> None:
        await self._queues.create_index(
            [("next_at", ASCENDING)], partialFilterExpression={"next_at": {"$exists": True}}, name="due"
        )

    async def feed(self, subscription_ids: Several[str], session: Session) -> None:
        fed = {"next_at": {"$ifNull": ["$next_at", "$$NOW"]}, "fed": {"$add": [{"$ifNull": ["$fed", 0]}, 1]}}
        writes = [UpdateOne({"_id": one}, [{"$set": fed}], upsert=True) for one in subscription_ids]
        await self._queues.bulk_write(writes, ordered=False, session=session)

    async def claim(self, seconds: float) -> SubscriptionQueue | None:
        token = new_id()
        taking = {"next_at": after(timedelta(seconds=seconds)), "token": token, "taken_at": "$$NOW"}
        row = await self._queues.find_one_and_update(
            {"next_at": {"$exists": True}, "$expr": {"$lte": ["$next_at", "$$NOW"]}},
            [{"$set": taking}],
            sort=[("next_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        if row is None:
            return None
        failures, since = row.get("failures", 0), row.get("failing_since")
        return SubscriptionQueue(row["_id"], token, row.get("fed", 0), failures, since, row["taken_at"])

    async def renew(self, queue: SubscriptionQueue, seconds: float) -> bool:
        outcome = await self._queues.update_one(
            _held(queue), [{"$set": {"next_at": after(timedelta(seconds=seconds))}}]
        )
        return bool(outcome.matched_count)

    async def worked(self, queue: SubscriptionQueue) -> None:
        await self._queues.update_one(_held(queue), {"$unset": {"failures": "", "failing_since": ""}})

    async def failed(self, queue: SubscriptionQueue, wait: timedelta) -> None:
        change = {
            "next_at": after(wait),
            "failures": {"$add": [{"$ifNull": ["$failures", 0]}, 1]},
            "failing_since": {"$ifNull": ["$failing_since", "$$NOW"]},
        }
        await self._queues.update_one(_held(queue), [{"$set": change}, {"$unset": "token"}])

    async def give_back(self, queue: SubscriptionQueue, wait: timedelta) -> None:
        await self._queues.update_one(_held(queue), [{"$set": {"next_at": after(wait)}}, {"$unset": "token"}])

    async def empty(self, queue: SubscriptionQueue, *, forget: bool) -> None:
        if forget:
            await self._queues.delete_one({**_held(queue), "fed": queue.fed})
        rest = {"$cond": [{"$eq": ["$fed", queue.fed]}, "$$REMOVE", "$$NOW"]}
        await self._queues.update_one(_held(queue), [{"$set": {"next_at": rest}}, {"$unset": "token"}])

    async def wake(self, subscription_ids: Several[str]) -> None:
        if subscription_ids:
            await self._queues.update_many(
                {"_id": {"$in": list(subscription_ids)}, "token": {"$exists": False}},
                [{"$set": {"next_at": "$$NOW"}}, {"$unset": ["failures", "failing_since"]}],
            )

    async def due_in(self) -> float | None:
        return await seconds_until_due(self._queues, {"next_at": {"$exists": True}})

    async def next_at(self, subscription_id: str) -> datetime | None:
        row = await self._queues.find_one({"_id": subscription_id}, {"next_at": 1})
        return row.get("next_at") if row else None


def _held(queue: SubscriptionQueue) -> Document:
    return {"_id": queue.subscription_id, "token": queue.token}
