"""Repository of in-app notifications, kept for 90 days."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from docstore_notify.delivery_documents import delivery_of, row_of
from docstore_notify.domain import Delivery
from docstore_platform.mongodb.client import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    Session,
    UpdateOne,
)

KEPT_SECONDS = 90 * 24 * 3600
COUNTED = 1000
"""Unread notifications are counted up to this number."""


@dataclass(frozen=True, slots=True)
class Notification:
    """An in-app notification."""

    delivery: Delivery
    read: bool


class Inbox(Protocol):
    """In-app notifications."""

    async def add(self, deliveries: Sequence[Delivery], session: Session) -> None:
        """Add notifications; existing ones are not changed."""

    async def page(self, account_id: str, before: str, limit: int, *, unread: bool) -> list[Notification]:
        """Return notifications before the id `before`, newest first; with `unread`, only unread ones."""

    async def unread(self, account_id: str) -> int:
        """Return the number of unread ones; COUNTED means that or more."""

    async def mark_read(self, account_id: str, ids: Several[str]) -> None: ...

    async def mark_all_read(self, account_id: str, until: datetime | None) -> None:
        """Mark all as read, or those until then."""


class MongoInbox:
    def __init__(self, database: Database) -> None:
        self._notifications: Collection = database["notifications"]

    async def create_indexes(self) -> None:
        unread: dict[str, Any] = {"partialFilterExpression": {"read": False}}
        order = [("account_id", ASCENDING), ("_id", DESCENDING)]
        await self._notifications.create_indexes(
            [
                IndexModel(order, name="all"),
                IndexModel(order, name="unread", **unread),
                IndexModel("created_at", expireAfterSeconds=KEPT_SECONDS),
            ]
        )

    async def add(self, deliveries: Sequence[Delivery], session: Session) -> None:
        rows = [_row(delivery) for delivery in deliveries]
        writes = [
            UpdateOne({key: row.pop(key) for key in ("_id", "account_id")}, {"$setOnInsert": row}, upsert=True)
            for row in rows
        ]
        await self._notifications.bulk_write(writes, session=session)

    async def page(self, account_id: str, before: str, limit: int, *, unread: bool) -> list[Notification]:
        which: Document = {"account_id": account_id}
        if unread:
            which["read"] = False
        if before:
            which["_id"] = {"$lt": before}
        rows = self._notifications.find(which).sort("_id", -1).limit(limit)
        return [Notification(delivery_of(row), row["read"]) async for row in rows]

    async def unread(self, account_id: str) -> int:
        which = {"account_id": account_id, "read": False}
        return int(await self._notifications.count_documents(which, limit=COUNTED, hint="unread"))

    async def mark_read(self, account_id: str, ids: Several[str]) -> None:
        which = {"account_id": account_id, "_id": {"$in": list(ids)}}
        await self._notifications.update_many(which, {"$set": {"read": True}})

    async def mark_all_read(self, account_id: str, until: datetime | None) -> None:
        which: Document = {"account_id": account_id, "read": False}
        if until is not None:
            which["created_at"] = {"$lte": until}
        await self._notifications.update_many(which, {"$set": {"read": True}})


def _row(delivery: Delivery) -> Document:
    return {**row_of(delivery), "state": "sent", "read": False}
