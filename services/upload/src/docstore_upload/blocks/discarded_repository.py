"""Keys of unneeded objects in MongoDB, from when they are discarded until their objects are deleted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from docstore_platform.clock import Clock
from docstore_platform.mongodb.client import Collection, Database, Document, IndexModel, Session, UpdateOne
from docstore_upload.blocks.ports import Discarded
from docstore_upload.blocks.rules import MAX_FRAME_BYTES
from docstore_upload.cold_objects.ports import ColdObjects
from docstore_upload.lifecycle.repository import merged, work_queue


class MongoDiscardedObjects:
    """Collection `discarded`: a row per key."""

    def __init__(self, database: Database, cold_objects: ColdObjects, lease_seconds: float, clock: Clock) -> None:
        self._discarded: Collection = database["discarded"]
        self._cold = cold_objects
        self._deletions = work_queue(self._discarded, "discarded objects", lease_seconds, clock)

    async def create_indexes(self) -> None:
        await self._discarded.create_indexes([IndexModel("next_check_at")])

    async def has_sent_too_much(self, account_id: str, now: datetime) -> bool:
        keys = f"accounts/{account_id}/blocks"
        too_much = {"_id": {"$gte": f"{keys}/", "$lt": f"{keys}0"}, "bytes": {"$gt": MAX_FRAME_BYTES}}
        return await self._discarded.find_one(too_much | {"writable_until": {"$gt": now}}, {"_id": 1}) is not None

    async def discarded_among(self, keys: Iterable[str]) -> list[str]:
        return [row["_id"] async for row in self._discarded.find({"_id": {"$in": list(keys)}}, {"_id": 1})]

    async def discard(self, writable_until: Mapping[str, datetime], now: datetime) -> None:
        await self._discard_each({key: (moment, now) for key, moment in writable_until.items()})

    async def take_discarded(self, limit: int) -> list[Discarded]:
        rows = [lease.document for lease in await self._deletions.claim_batch(limit)]
        return [Discarded(row["_id"], row.get("writable_until")) for row in rows]

    async def delete_again(self, discarded: Sequence[Discarded]) -> None:
        await self._discard_each({each.key: (each.writable_until, each.writable_until) for each in discarded})

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        await self._cold.forget(keys)
        await self._discarded.delete_many({"_id": {"$in": list(keys)}})

    async def _discard_each(self, keys: Mapping[str, tuple[datetime | None, datetime | None]]) -> None:
        """Upsert discarded keys, each with the end of its writability and the time of its deletion."""
        changes = [
            UpdateOne({"_id": key}, merged({"$set": {"writable_until": until}}, self._deletions.due(at)), upsert=True)
            for key, (until, at) in keys.items()
        ]
        if changes:
            await self._discarded.bulk_write(changes, ordered=False)

    async def _discard(
        self, writable_until: Mapping[str, datetime | None], now: datetime, session: Session, found_bytes: int = 0
    ) -> None:
        rows: list[Document] = [{"_id": key, "next_check_at": now} for key in writable_until]
        for row in rows:
            until = writable_until[row["_id"]]
            if until is not None and until > now:
                row["writable_until"] = until
            if found_bytes:
                row["bytes"] = found_bytes
        await self._discarded.insert_many(rows, ordered=False, session=session)
