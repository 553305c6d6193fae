"""Differences between counted and stored usage, found by the reconciler."""

from dataclasses import asdict
from datetime import datetime
from typing import Protocol

from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Document
from docstore_quota.rules import Drift


class Drifts(Protocol):
    """Repository of drifts, as last seen."""

    async def get(self, account_id: str) -> Drift | None: ...

    async def put(self, drift: Drift) -> None: ...

    async def remove(self, account_id: str) -> None: ...

    async def page(self, after: str, limit: int) -> list[Drift]:
        """Return drifts by account id."""

    async def unconfirmed(self, seen_before: datetime, limit: int) -> list[str]:
        """Return accounts whose drift was last seen before `seen_before` and must be checked again."""

    async def confirmed_bytes(self) -> int:
        """Return the sum of the absolute sizes of all confirmed drifts."""


class MongoDrifts:
    def __init__(self, database: Database) -> None:
        self._drifts: Collection = database["drifts"]

    async def create_indexes(self) -> None:
        await self._drifts.create_index([("confirmed", ASCENDING), ("seen_at", ASCENDING)])

    async def get(self, account_id: str) -> Drift | None:
        row = await self._drifts.find_one({"_id": account_id})
        return _drift(row) if row else None

    async def put(self, drift: Drift) -> None:
        row = asdict(drift)
        await self._drifts.replace_one({"_id": row.pop("account_id")}, row, upsert=True)

    async def remove(self, account_id: str) -> None:
        await self._drifts.delete_one({"_id": account_id})

    async def page(self, after: str, limit: int) -> list[Drift]:
        rows = self._drifts.find({"_id": {"$gt": after}}).sort("_id", 1).limit(limit)
        return [_drift(row) async for row in rows]

    async def unconfirmed(self, seen_before: datetime, limit: int) -> list[str]:
        rows = self._drifts.find({"confirmed": False, "seen_at": {"$lte": seen_before}}, {"_id": 1}).limit(limit)
        return [row["_id"] async for row in rows]

    async def confirmed_bytes(self) -> int:
        sizes = {"$group": {"_id": None, "bytes": {"$sum": {"$abs": "$bytes"}}}}
        async for row in self._drifts.aggregate([{"$match": {"confirmed": True}}, sizes]):
            return int(row["bytes"])
        return 0


def _drift(row: Document) -> Drift:
    return Drift(row["_id"], row["bytes"], row["documents"], row["revision"], row["seen_at"], row["confirmed"])
