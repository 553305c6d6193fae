"""Objects in a colder storage class, in MongoDB."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from docstore_platform.chunks import chunks
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Document, IndexModel, Session, UpdateOne
from docstore_upload.cold_objects.rules import Archived
from docstore_work.lease_queue import Lease, LeaseQueue

CHUNK = 2000
"""Rows in one command."""
_PENDING: Document = {"archive": {"$exists": False}}
_NOT_DUE: Document = {"due_at": "", "lease_owner": "", "lease_until": ""}


class MongoColdObjects:
    """Collection `cold_objects`: a row by object key; of a pack with the numbers of its unused slices."""

    def __init__(self, database: Database, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._objects: Collection = database["cold_objects"]
        self._queue = LeaseQueue(self._objects, "cold objects", lease_seconds=lease_seconds, clock=clock)

    async def create_indexes(self) -> None:
        await self._objects.create_indexes([IndexModel([("due_at", ASCENDING)], name="due", sparse=True)])

    async def enlist(self, keys: Iterable[str], now: datetime, session: Session) -> None:
        # A row that is moving keeps its lease.
        due = [{"$set": {"due_at": {"$cond": [{"$ifNull": ["$archive", False]}, "$due_at", now]}}}]
        for some in chunks(list(keys), CHUNK):
            await self._objects.bulk_write(
                [UpdateOne({"_id": key}, due, upsert=True) for key in some], ordered=False, session=session
            )

    async def withdraw(self, keys: Iterable[str], session: Session) -> bool:
        is_free = True
        for some in chunks(list(keys), CHUNK):
            among: Document = {"_id": {"$in": some}}
            await self._objects.delete_many(among | _PENDING, session=session)
            is_free = is_free and await self._objects.find_one(among, {"_id": 1}, session=session) is None
        return is_free

    async def add_idle_slices(
        self, pack_key: str, numbers: Iterable[int], live: Iterable[int], now: datetime, session: Session
    ) -> None:
        idle = {"$setUnion": [{"$ifNull": ["$idle", []]}, list(numbers)]}
        await self._objects.update_one(
            {"_id": pack_key}, [{"$set": {"idle": idle}}, _due_if_idle(live, now)], upsert=True, session=session
        )

    async def remove_idle_slices(self, pack_key: str, numbers: Iterable[int], session: Session) -> bool:
        change = {"$pull": {"idle": {"$in": list(numbers)}}, "$unset": _NOT_DUE}
        await self._objects.update_one({"_id": pack_key} | _PENDING, change, session=session)
        return not await self.archived_among([pack_key], session)

    async def settle_packs(self, live: Mapping[str, Sequence[int]], now: datetime) -> None:
        changes = [
            UpdateOne({"_id": key, "idle": {"$exists": True}} | _PENDING, [_due_if_idle(numbers, now)])
            for key, numbers in live.items()
        ]
        if changes:
            await self._objects.bulk_write(changes, ordered=False)

    async def archived_among(self, keys: Iterable[str], session: Session = None) -> list[Archived]:
        found: list[Archived] = []
        for some in chunks(list(keys), CHUNK):
            rows = self._objects.find({"_id": {"$in": some}, "archive": {"$exists": True}}, session=session)
            found += [Archived(row["_id"], row["archive"], row.get("restoring", False)) async for row in rows]
        return found

    async def claim(self, limit: int) -> list[Lease]:
        return await self._queue.claim_batch(limit)

    async def begin_move(self, lease: Lease) -> None:
        await self._queue.renew(lease, {"archive": "moving"})

    async def complete_move(self, lease: Lease, *, archived: bool) -> None:
        await self._queue.complete(lease, {"archive": "archived"} if archived else {})

    async def put_off(self, lease: Lease, seconds: float) -> None:
        await self._objects.update_one(self._queue.held(lease), {"$unset": {"archive": ""}})
        await self._queue.postpone(lease, seconds)

    async def restoring(self, keys: Sequence[str]) -> None:
        await self._objects.update_many({"_id": {"$in": list(keys)}}, {"$set": {"restoring": True}})

    async def retrieved(self, key: str) -> None:
        archived = {"_id": key, "archive": "archived"}
        # Only a pack's row has something left to say.
        if not (await self._objects.delete_one(archived | {"idle": {"$exists": False}})).deleted_count:
            await self._objects.update_one(archived, {"$unset": {"archive": "", "restoring": ""}})

    async def forget(self, keys: Sequence[str]) -> None:
        if keys:
            await self._objects.delete_many({"_id": {"$in": list(keys)}})


def _due_if_idle(live: Iterable[int], now: datetime) -> Document:
    """A stage that makes a pack due if all of these slices are unused, unless it is archived already."""
    is_due = {"$and": [{"$not": [{"$ifNull": ["$archive", False]}]}, {"$setIsSubset": [list(live), "$idle"]}]}
    return {"$set": {"due_at": {"$cond": [is_due, now, "$due_at"]}}}
