"""Progress of the search for strays (orphaned objects), in MongoDB."""

from dataclasses import asdict
from datetime import datetime

from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import Collection, Database, Document
from docstore_upload.lifecycle.repository import LEASE_SECONDS, work_queue
from docstore_upload.strays.rules import Place

ID = "strays"


class MongoPasses:
    """One document: a queue with a single recurring item."""

    def __init__(self, database: Database, lease_seconds: float = LEASE_SECONDS, clock: Clock = utc_now) -> None:
        self._sweeps: Collection = database["sweeps"]
        self._queue = work_queue(self._sweeps, "strays", lease_seconds, clock)

    async def begin(self) -> None:
        await self._queue.ensure(ID, {})

    async def take(self) -> Place | None:
        lease = await self._queue.claim({"_id": ID})
        if lease is None:
            return None
        return Place(**lease.document.get("place", {}), lease_owner=lease.owner)

    async def move(self, place: Place, due_at: datetime) -> None:
        await self._store(place, due_at, {"place": _row(place)})

    async def finish(self, place: Place, due_at: datetime) -> None:
        await self._store(place, due_at, {"place": _row(Place()), "found": _row(place)})

    async def last_found(self) -> Place:
        """What the last finished pass has found."""
        row = await self._sweeps.find_one({"_id": ID}, {"found": 1}) or {}
        return Place(**row.get("found", {}))

    async def _store(self, place: Place, due_at: datetime, fields: Document) -> None:
        held, due = self._queue.held_by(place.lease_owner), self._queue.due(due_at)
        await self._sweeps.update_one({"_id": ID, **held}, {**due, "$set": {**due["$set"], **fields}})


def _row(place: Place) -> Document:
    row = asdict(place)
    del row["lease_owner"]
    return row
