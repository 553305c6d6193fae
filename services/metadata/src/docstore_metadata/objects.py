"""Deletes from the object store what no version refers to any more: never before that is committed, never forgotten."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from docstore_metadata.storage import Store
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongo import UpdateOne

BATCH = 500


class Objects(Protocol):
    async def delete_many(self, keys: Iterable[str]) -> None:
        """Delete objects; one that is gone already counts as deleted."""
        ...


class ObjectRemover:
    """Takes batches of due objects under a lease: a document goes once its object is gone."""

    def __init__(self, store: Store, objects: Objects, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._store = store
        self._objects = objects
        self._lease = timedelta(seconds=lease_seconds)
        self._clock = clock

    async def remove_due(self) -> int:
        """Delete up to one batch; answers how many. If the store fails, they are due again after the lease."""
        now = self._clock()
        due = await self._store.objects.find({"due_at": {"$lte": now}}, {"due_at": 1}).limit(BATCH).to_list(BATCH)
        if not due:
            return 0
        # Two instances may take the same objects: deleting twice does no harm.
        until = now + self._lease
        leases = [UpdateOne({"_id": row["_id"], "due_at": row["due_at"]}, {"$set": {"due_at": until}}) for row in due]
        await self._store.objects.bulk_write(leases, ordered=False)
        keys = [row["_id"] for row in due]
        await self._objects.delete_many(keys)
        await self._store.objects.delete_many({"_id": {"$in": keys}, "refs": {"$lte": 0}})
        return len(keys)
