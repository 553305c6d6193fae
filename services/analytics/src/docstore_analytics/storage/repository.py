"""Storage of each account by day in MongoDB: a document for each day with a change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from docstore_analytics.storage.rules import Level
from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import ASCENDING, DESCENDING, Collection, Database, IndexModel, UpdateOne


class StorageRepository(Protocol):
    async def save(self, levels: Mapping[tuple[str, datetime], Level], transaction: Transaction) -> None:
        """Save levels by account and start of the day."""

    async def levels(self, account_id: str, begin: datetime) -> dict[datetime, Level]:
        """Return the levels since `begin`, and the last one before it."""


class MongoStorage:
    def __init__(self, database: Database) -> None:
        self._days: Collection = database["storage_days"]

    async def create_indexes(self) -> None:
        await self._days.create_indexes([IndexModel([("account_id", ASCENDING), ("day", DESCENDING)], unique=True)])

    async def save(self, levels: Mapping[tuple[str, datetime], Level], transaction: Transaction) -> None:
        writes = [
            UpdateOne(
                {"account_id": account_id, "day": day},
                {"$set": {"bytes": level.bytes, "documents": level.documents}},
                upsert=True,
            )
            for (account_id, day), level in sorted(levels.items())
        ]
        if writes:
            await self._days.bulk_write(writes, ordered=False, session=transaction.session)

    async def levels(self, account_id: str, begin: datetime) -> dict[datetime, Level]:
        of_account = {"account_id": account_id}
        since = self._days.find({**of_account, "day": {"$gte": begin}})
        before = self._days.find({**of_account, "day": {"$lt": begin}}).sort("day", DESCENDING).limit(1)
        rows = [*await since.to_list(None), *await before.to_list(None)]
        return {row["day"]: Level(row["bytes"], row["documents"]) for row in rows}
