"""Counts what an account may do only so often, over all instances."""

from dataclasses import dataclass
from datetime import timedelta

from docstore_notify.lane_store import after
from docstore_platform.mongo import Collection, Database, Document, ReturnDocument


@dataclass(frozen=True, slots=True)
class Count:
    number: int
    """Which one of its period it is, from 1."""
    left: timedelta
    """Until the next period begins."""


class MongoCounts:
    """How often each account has done something since its period began; a row goes by itself."""

    def __init__(self, database: Database, collection: str, period: timedelta) -> None:
        self._rows: Collection = database[collection]
        self._period = period

    async def create_indexes(self) -> None:
        await self._rows.create_index("until", expireAfterSeconds=0)

    async def add(self, account_id: str) -> Count:
        """Count one more."""
        running: Document = {"$gt": ["$until", "$$NOW"]}
        count = {"$cond": [running, {"$add": ["$count", 1]}, 1]}
        until = {"$cond": [running, "$until", after(self._period)]}
        row = await self._rows.find_one_and_update(
            {"_id": account_id},
            [{"$set": {"count": count, "until": until, "at": "$$NOW"}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return Count(row["count"], row["until"] - row["at"])
