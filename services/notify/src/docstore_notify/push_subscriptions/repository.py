"""Repository of browsers that get push messages, in collection `push_subscriptions`."""

from collections import defaultdict
from collections.abc import Collection as Several
from dataclasses import asdict
from datetime import datetime
from typing import Protocol

from docstore_notify.push_subscriptions.rules import PushSubscription
from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    ReturnDocument,
    Session,
)


class PushSubscriptions(Protocol):
    """Browsers by account. Each has one document: the last account that registered it."""

    async def register(self, subscription: PushSubscription) -> PushSubscription:
        """Store it; a browser that is known keeps its id."""
        ...

    async def knows(self, endpoint: str) -> bool: ...

    async def number(self, account_id: str) -> int: ...

    async def of_account(self, account_id: str, after: str = "", limit: int = 0) -> list[PushSubscription]:
        """Return those with ids after `after`, by id; 0: all."""
        ...

    async def ids_of(self, account_ids: Several[str], session: Session) -> dict[str, list[str]]:
        """Return the ids of these accounts' browsers."""
        ...

    async def find(self, subscription_id: str) -> PushSubscription | None: ...

    async def remove(self, account_id: str, subscription_id: str) -> bool:
        """Delete it; return whether the account had it."""
        ...

    async def remove_all(self, account_id: str, before: datetime) -> None:
        """Delete the account's browsers registered before a moment."""


class MongoPushSubscriptions:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["push_subscriptions"]

    async def create_indexes(self) -> None:
        await self._rows.create_indexes(
            [IndexModel("endpoint", unique=True), IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)])]
        )

    async def register(self, subscription: PushSubscription) -> PushSubscription:
        row = asdict(subscription)
        first = {"_id": row.pop("id")}
        which = {"endpoint": row.pop("endpoint")}
        kept = await self._rows.find_one_and_update(
            which, {"$set": row, "$setOnInsert": first}, upsert=True, return_document=ReturnDocument.AFTER
        )
        return _subscription(kept)

    async def knows(self, endpoint: str) -> bool:
        return await self._rows.find_one({"endpoint": endpoint}, {"_id": 1}) is not None

    async def number(self, account_id: str) -> int:
        return int(await self._rows.count_documents({"account_id": account_id}))

    async def of_account(self, account_id: str, after: str = "", limit: int = 0) -> list[PushSubscription]:
        which = {"account_id": account_id, "_id": {"$gt": after}}
        return [_subscription(row) async for row in self._rows.find(which).sort("_id", 1).limit(limit)]

    async def ids_of(self, account_ids: Several[str], session: Session) -> dict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        which = {"account_id": {"$in": list(account_ids)}}
        async for row in self._rows.find(which, {"account_id": 1}, session=session).sort("_id", 1):
            found[row["account_id"]].append(row["_id"])
        return dict(found)

    async def find(self, subscription_id: str) -> PushSubscription | None:
        row = await self._rows.find_one({"_id": subscription_id})
        return _subscription(row) if row else None

    async def remove(self, account_id: str, subscription_id: str) -> bool:
        outcome = await self._rows.delete_one({"_id": subscription_id, "account_id": account_id})
        return bool(outcome.deleted_count)

    async def remove_all(self, account_id: str, before: datetime) -> None:
        await self._rows.delete_many({"account_id": account_id, "created_at": {"$lt": before}})


def _subscription(row: Document) -> PushSubscription:
    fields = {name: row[name] for name in PushSubscription.__dataclass_fields__ if name != "id"}
    return PushSubscription(id=row["_id"], **fields)
