"""Chunks that wait for the archive, and the segments written from them.

Chunks are stored with the events, in the transaction of the inbox. A plan assigns chunks to a segment, which fixes its
rows. Sealing the segment deletes its chunks. So every event is at any time in exactly one chunk or one sealed segment,
except those of lost segments, whose objects a restore to a moment did not find.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from docstore_analytics.archive.columns import EVENTS, Table, pack
from docstore_analytics.archive.rules import Chunk, Segment, SegmentLimits
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    conflict,
)

NOT_PLANNED = ""
"""Segment id of an unplanned chunk; not null, which an index alone can't distinguish from a missing field."""


class ArchiveRepository(Protocol):
    """One table of the archive."""

    table: Table

    async def add_chunks(self, chunks: Sequence[Chunk], transaction: Transaction) -> None: ...

    async def due_days(self, limits: SegmentLimits) -> list[str]:
        """Return the days whose pending rows are many or old enough."""

    async def plan(self, day: str, limits: SegmentLimits) -> Segment | None:
        """Assign a day's chunks to a new segment, up to its limit, which fixes its rows."""

    async def planned(self) -> list[Segment]:
        """Return the segments under way, of this instance or one that has died."""

    async def rows_of(self, segment: Segment) -> list[bytes] | None:
        """Return the packed rows of a planned segment, always in the same order; None once it is sealed."""

    async def seal(self, segment: Segment, size: int) -> None:
        """Mark a segment as sealed and delete its chunks in one transaction, once its object is in the bucket."""

    async def waiting_bytes(self, begin: datetime, end: datetime) -> int:
        """Return the size, uncompressed, of the pending rows of the days that overlap [begin, end)."""

    async def snapshot(self, begin: datetime, end: datetime, limit: int) -> tuple[list[Segment], list[bytes]]:
        """Return the sealed segments of the days that overlap [begin, end), and the pending packed rows of these days.

        Both are of one moment, so that an event that is being sealed is in exactly one of them.
        """

    async def page(self, begin: str, end: str, after: tuple[str, str], limit: int) -> list[Segment]:
        """Return sealed segments of days from `begin` to `end`, by day and id."""

    async def waiting(self) -> tuple[int, datetime | None]:
        """Return how many events are not sealed yet, and since when the oldest waits."""


class MongoArchive:
    def __init__(
        self, database: Database, transactor: Transactor, table: Table = EVENTS, *, clock: Clock = utc_now
    ) -> None:
        self.table = table
        self._chunks: Collection = database[table.waiting]
        self._segments: Collection = database[table.files]
        self._transactor = transactor
        self._clock = clock

    async def create_indexes(self) -> None:
        # A covering index: queries of pending chunks need not read their rows.
        waiting = [(name, ASCENDING) for name in ("segment", "day", "created_at", "events", "size")]
        await self._chunks.create_index(waiting)
        await self._segments.create_indexes(
            [IndexModel([("state", ASCENDING), ("day", ASCENDING), ("_id", ASCENDING)])]
        )

    async def add_chunks(self, chunks: Sequence[Chunk], transaction: Transaction) -> None:
        now = self._clock()
        rows = [
            {
                "_id": chunk.id,
                "day": chunk.day,
                "segment": NOT_PLANNED,
                "events": len(chunk.lines),
                "size": chunk.size,
                "created_at": now,
                "rows": pack(chunk.lines),
            }
            for chunk in chunks
        ]
        if rows:
            await self._chunks.insert_many(rows, session=transaction.session)

    async def due_days(self, limits: SegmentLimits) -> list[str]:
        old = self._clock() - timedelta(seconds=limits.seconds)
        pipeline: list[Document] = [
            {"$match": {"segment": NOT_PLANNED}},
            {
                "$group": {
                    "_id": "$day",
                    "events": {"$sum": "$events"},
                    "size": {"$sum": "$size"},
                    "oldest": {"$min": "$created_at"},
                }
            },
            {
                "$match": {
                    "$or": [
                        {"oldest": {"$lte": old}},
                        {"events": {"$gte": limits.events}},
                        {"size": {"$gte": limits.bytes}},
                    ]
                }
            },
            {"$sort": {"_id": 1}},
        ]
        return [row["_id"] async for row in self._chunks.aggregate(pipeline)]

    async def plan(self, day: str, limits: SegmentLimits) -> Segment | None:
        async def work(transaction: Transaction) -> Segment | None:
            figures = {"events": 1, "size": 1}
            rows = self._chunks.find({"segment": NOT_PLANNED, "day": day}, figures, session=transaction.session).sort(
                "_id", ASCENDING
            )
            chosen: list[Document] = []
            events = size = 0
            async for row in rows:
                if chosen and (events + row["events"] > limits.events or size + row["size"] > limits.bytes):
                    break
                chosen.append(row)
                events, size = events + row["events"], size + row["size"]
            if not chosen:
                return None
            segment = Segment(new_id(), day, events, size, self.table)
            taken = await self._chunks.update_many(
                {"_id": {"$in": [row["_id"] for row in chosen]}, "segment": NOT_PLANNED},
                {"$set": {"segment": segment.id}},
                session=transaction.session,
            )
            if taken.modified_count != len(chosen):
                raise conflict("another instance has planned with the same chunks")
            await self._segments.insert_one({**_row(segment), "state": "planned"}, session=transaction.session)
            return segment

        return await self._transactor.run(work)

    async def planned(self) -> list[Segment]:
        rows = self._segments.find({"state": "planned"}).sort("_id", ASCENDING)
        return [_segment(row, self.table) async for row in rows]

    async def rows_of(self, segment: Segment) -> list[bytes] | None:
        rows = self._chunks.find({"segment": segment.id}, {"rows": 1, "events": 1}).sort("_id", ASCENDING)
        found = await rows.to_list(None)
        # All or none: an incomplete read during sealing must not become the segment's object.
        return [row["rows"] for row in found] if sum(row["events"] for row in found) == segment.events else None

    async def seal(self, segment: Segment, size: int) -> None:
        async def work(transaction: Transaction) -> None:
            sealed = await self._segments.update_one(
                {"_id": segment.id, "state": "planned"},
                {"$set": {"state": "sealed", "size": size, "sealed_at": self._clock()}},
                session=transaction.session,
            )
            if sealed.matched_count:
                await self._chunks.delete_many({"segment": segment.id}, session=transaction.session)

        await self._transactor.run(work)

    async def waiting_bytes(self, begin: datetime, end: datetime) -> int:
        wanted = {"segment": {"$gte": NOT_PLANNED}, "day": _days(begin, end)}  # all segments: the index begins with it
        total = {"$group": {"_id": None, "size": {"$sum": "$size"}}}
        async for row in self._chunks.aggregate([{"$match": wanted}, total]):
            return int(row["size"])
        return 0

    async def snapshot(self, begin: datetime, end: datetime, limit: int) -> tuple[list[Segment], list[bytes]]:
        days = _days(begin, end)

        async def work(transaction: Transaction) -> tuple[list[Segment], list[bytes]]:
            sealed = self._segments.find({"state": "sealed", "day": days}, session=transaction.session).sort(
                "_id", ASCENDING
            )
            waiting = self._chunks.find({"day": days}, {"rows": 1}, session=transaction.session)
            segments = [_segment(row, self.table) async for row in sealed.limit(limit)]
            return segments, [row["rows"] async for row in waiting]

        return await self._transactor.run(work)

    async def page(self, begin: str, end: str, after: tuple[str, str], limit: int) -> list[Segment]:
        day, id_ = after
        beyond = [{"day": {"$gt": day}}, {"day": day, "_id": {"$gt": id_}}]
        wanted = {"state": "sealed", "day": {"$gte": begin, "$lte": end}, "$or": beyond}
        rows = self._segments.find(wanted).sort([("day", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [_segment(row, self.table) async for row in rows]

    async def waiting(self) -> tuple[int, datetime | None]:
        total = {"$group": {"_id": None, "events": {"$sum": "$events"}, "oldest": {"$min": "$created_at"}}}
        async for row in self._chunks.aggregate([{"$match": {"segment": {"$gte": NOT_PLANNED}}}, total]):
            return row["events"], row["oldest"]
        return 0, None


async def sealed_segments(database: Database, table: Table) -> AsyncIterator[Segment]:
    """Iterate over all sealed segments of a table."""
    async for row in database[table.files].find({"state": "sealed"}):
        yield _segment(row, table)


async def mark_lost(database: Database, segment: Segment) -> None:
    """Store that a sealed segment's object does not exist: nothing lists or reads it from then on."""
    await database[segment.table.files].update_one({"_id": segment.id}, {"$set": {"state": "lost"}})


def _segment(row: Document, table: Table) -> Segment:
    return Segment(row["_id"], row["day"], row["events"], row["size"], table)


def _row(segment: Segment) -> Document:
    return {"_id": segment.id, "day": segment.day, "events": segment.events, "size": segment.size}


def _days(begin: datetime, end: datetime) -> dict[str, Any]:
    return {"$gte": _day(begin), "$lte": _day(end)}


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
