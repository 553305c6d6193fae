"""Background work that one instance at a time does, under a lease, and what it has found so far."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Protocol

from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Collection, Database, Document, DuplicateKeyError, ReturnDocument
from docstore_quota.domain import Drift


class Jobs(Protocol):
    """Named work, each with the moment it is due and how far it has come."""

    async def claim(self, name: str, now: datetime) -> str | None:
        """How far the work has come ("" at its beginning), if it is due and no other instance is at it."""
        ...

    async def progress(self, name: str, cursor: str, now: datetime) -> bool:
        """Note how far it has come and hold on to it; False if another instance has taken it over."""
        ...

    async def finish(self, name: str, due_at: datetime) -> None:
        """It is done, and due again at `due_at`."""
        ...


class Drifts(Protocol):
    """Differences between counted and stored usage, as last seen."""

    async def get(self, account_id: str) -> Drift | None: ...

    async def put(self, drift: Drift) -> None: ...

    async def remove(self, account_id: str) -> None: ...

    async def page(self, after: str, limit: int) -> list[Drift]:
        """By account id."""
        ...

    async def unconfirmed(self, seen_before: datetime, limit: int) -> list[str]:
        """Accounts whose drift, seen before then, is to be looked at again."""
        ...

    async def confirmed_bytes(self) -> int:
        """Sizes of all confirmed drifts, whichever way they go, added up."""
        ...


class MongoJobs:
    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._jobs: Collection = database["jobs"]
        self._lease = timedelta(seconds=lease_seconds)
        self._owner = new_id()

    async def claim(self, name: str, now: datetime) -> str | None:
        free_or_mine = [{"owner": self._owner}, {"leased_until": {"$lte": now}}]
        try:
            job = await self._jobs.find_one_and_update(
                {"_id": name, "due_at": {"$not": {"$gt": now}}, "$or": [*free_or_mine, {"owner": None}]},
                {"$set": {"owner": self._owner, "leased_until": now + self._lease}, "$setOnInsert": {"cursor": ""}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            return None
        return str(job["cursor"])

    async def progress(self, name: str, cursor: str, now: datetime) -> bool:
        outcome = await self._jobs.update_one(
            {"_id": name, "owner": self._owner}, {"$set": {"cursor": cursor, "leased_until": now + self._lease}}
        )
        return bool(outcome.matched_count)

    async def finish(self, name: str, due_at: datetime) -> None:
        done = {"cursor": "", "due_at": due_at, "owner": None}
        await self._jobs.update_one({"_id": name, "owner": self._owner}, {"$set": done})


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
