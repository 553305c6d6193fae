"""Files the indexer knows, and the queues of those that wait for the index."""

from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Protocol

from docstore_indexer.extraction.rules import ExtractedText
from docstore_indexer.indexing.rules import Entry, File, FileChange, Outcome, WorkQueue
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Collection, Database, Document, IndexModel, Session, UpdateOne

TOMBSTONE_SECONDS = 30 * 24 * 3600
"""A purged file is remembered as long as an event of its life may still come."""
_KEPT_CAUSES = 1000
_OPEN = {"state": "pending"}
_PENDING: dict[str, Any] = {"partialFilterExpression": _OPEN}
_FILE_FIELDS = tuple(field.name for field in fields(File) if field.name != "file_id")


class Entries(Protocol):
    """The files the indexer knows, and which of them wait for the index."""

    async def revisions(self, file_ids: Several[str], session: Session) -> Mapping[str, int]:
        """The last revision of each known file."""
        ...

    async def record(self, changes: Sequence[FileChange], now: datetime, session: Session) -> None:
        """Store the new state of files and queue them; a lease on any of them is lost."""
        ...

    async def claim(self, queue: WorkQueue, limit: int, now: datetime, lease_until: datetime) -> list[Entry]:
        """Pending files that are due, fresh ones before the backlog, for the caller until its lease ends."""
        ...

    async def move(self, entries: Sequence[Entry], queue: WorkQueue, now: datetime) -> None:
        """Give claimed files to another queue."""
        ...

    async def postpone(self, entries: Sequence[Entry], queue: WorkQueue, due_at: datetime, *, faultless: bool) -> None:
        """Try claimed files again later; `faultless`: this attempt does not count."""
        ...

    async def held(self, entries: Sequence[Entry], session: Session) -> set[str]:
        """Ids of the claimed files that nothing has happened to since."""
        ...

    async def mark(self, outcomes: Sequence[Outcome], session: Session) -> None:
        """They are no longer pending."""
        ...

    async def renew(self, file_ids: Several[str], now: datetime, *, drop_text: bool = False) -> None:
        """Have files done again as part of a backlog; those that are pending already begin anew."""
        ...

    async def release_all(self, now: datetime) -> int:
        """Whatever is pending is due, from its first step on; work under way on it no longer counts."""
        ...

    async def page(self, after: str, limit: int) -> list[Entry]:
        """Entries by id, purged ones too."""
        ...

    async def load(self, file_ids: Several[str]) -> dict[str, Entry]: ...


class MongoEntries:
    """`documents`: one a file."""

    def __init__(self, database: Database) -> None:
        self._documents: Collection = database["documents"]

    async def create_indexes(self) -> None:
        await self._documents.create_indexes(
            [
                IndexModel([("lane", ASCENDING), ("backlog", ASCENDING), ("due_at", ASCENDING)], **_PENDING),
                IndexModel([("event_ids", ASCENDING)], **_PENDING),
                IndexModel([("owner_id", ASCENDING), ("_id", ASCENDING)]),
                IndexModel("purged_at", expireAfterSeconds=TOMBSTONE_SECONDS),
            ]
        )

    async def revisions(self, file_ids: Several[str], session: Session) -> Mapping[str, int]:
        rows = self._documents.find({"_id": {"$in": list(file_ids)}}, {"revision": 1}, session=session)
        return {row["_id"]: row["revision"] async for row in rows}

    async def record(self, changes: Sequence[FileChange], now: datetime, session: Session) -> None:
        writes = [
            UpdateOne({"_id": change.file.file_id}, _change_update(change, now), upsert=True) for change in changes
        ]
        if writes:
            await self._documents.bulk_write(writes, ordered=False, session=session)

    async def claim(self, queue: WorkQueue, limit: int, now: datetime, lease_until: datetime) -> list[Entry]:
        due = {**_OPEN, "lane": queue.value, "due_at": {"$lte": now}}
        order = [("backlog", 1), ("due_at", 1)]
        ids = [row["_id"] async for row in self._documents.find(due, {"_id": 1}).sort(order).limit(limit)]
        if not ids:
            return []
        lease = new_id()
        taken = {"$set": {"lease": lease, "due_at": lease_until}, "$inc": {"attempts": 1}}
        await self._documents.update_many({"_id": {"$in": ids}, **due}, taken)
        rows = self._documents.find({"_id": {"$in": ids}, "lease": lease})
        return [_entry(row) async for row in rows]

    async def move(self, entries: Sequence[Entry], queue: WorkQueue, now: datetime) -> None:
        change = {"lane": queue.value, "due_at": now, "lease": None, "attempts": 0}
        await self._documents.update_many(_mine(entries), {"$set": change})

    async def postpone(self, entries: Sequence[Entry], queue: WorkQueue, due_at: datetime, *, faultless: bool) -> None:
        change: Document = {"$set": {"lane": queue.value, "due_at": due_at, "lease": None}}
        if faultless:
            change["$inc"] = {"attempts": -1}
        await self._documents.update_many(_mine(entries), change)

    async def held(self, entries: Sequence[Entry], session: Session) -> set[str]:
        rows = self._documents.find(_mine(entries), {"_id": 1}, session=session)
        return {row["_id"] async for row in rows}

    async def mark(self, outcomes: Sequence[Outcome], session: Session) -> None:
        now = utc_now()
        writes = [
            UpdateOne({"_id": outcome.entry.file.file_id}, {"$set": _done(outcome, now), "$unset": {"due_at": ""}})
            for outcome in outcomes
        ]
        await self._documents.bulk_write(writes, ordered=False, session=session)

    async def page(self, after: str, limit: int) -> list[Entry]:
        rows = self._documents.find({"_id": {"$gt": after}}).sort("_id", 1).limit(limit)
        return [_entry(row) async for row in rows]

    async def load(self, file_ids: Several[str]) -> dict[str, Entry]:
        rows = self._documents.find({"_id": {"$in": list(file_ids)}})
        return {row["_id"]: _entry(row) async for row in rows}

    async def files_of(self, owner_id: str, after: str, limit: int) -> list[Entry]:
        """An account's files by id, folders and purged ones left out."""
        condition = {"owner_id": owner_id, "_id": {"$gt": after}, "kind": "file", "purged": False}
        rows = self._documents.find(condition).sort("_id", 1).limit(limit)
        return [_entry(row) async for row in rows]

    async def renew(self, file_ids: Several[str], now: datetime, *, drop_text: bool = False) -> None:
        change = {**_queued(now, backlog=True), **({"text_version": 0, "text_chars": 0} if drop_text else {})}
        await self._documents.update_many({"_id": {"$in": list(file_ids)}}, {"$set": change, "$inc": {"change": 1}})

    async def mark_purged(self, file_ids: Several[str], now: datetime) -> None:
        """Files that metadata no longer has leave the index."""
        change = {**_queued(now, backlog=False), "purged": True}
        await self._documents.update_many({"_id": {"$in": list(file_ids)}}, {"$set": change, "$inc": {"change": 1}})

    async def release_all(self, now: datetime) -> int:
        change = {"lane": WorkQueue.QUICK.value, "due_at": now, "lease": None}
        outcome = await self._documents.update_many(_OPEN, {"$set": change})
        return int(outcome.modified_count)

    async def due_queues(self, now: datetime) -> list[WorkQueue]:
        """Lanes in which something is due."""
        return [
            WorkQueue(queue) for queue in await self._documents.distinct("lane", {**_OPEN, "due_at": {"$lte": now}})
        ]

    async def pending_by_queue(self) -> dict[str, int]:
        count = [{"$match": _OPEN}, {"$group": {"_id": "$lane", "files": {"$sum": 1}}}]
        return {row["_id"]: row["files"] async for row in self._documents.aggregate(count)}

    async def unsettled(self, event_ids: set[str]) -> set[str]:
        """Of the events, those whose files are still pending."""
        condition = {**_OPEN, "event_ids": {"$in": list(event_ids)}}
        rows = self._documents.find(condition, {"event_ids": 1})
        return {event_id async for row in rows for event_id in row["event_ids"]} & event_ids


class Texts(Protocol):
    """Extracted texts, kept for renames, tags, restores and rebuilds."""

    async def get(self, file_ids: Several[str]) -> dict[str, tuple[int, str]]:
        """Version and text of those files that have one."""
        ...

    async def put(self, texts: Mapping[str, tuple[int, ExtractedText]], session: Session) -> None: ...

    async def remove(self, file_ids: Several[str], session: Session | None = None) -> None: ...


def _mine(entries: Sequence[Entry]) -> Document:
    """Claimed entries that nothing has happened to: all that happens takes the lease away."""
    leases = {entry.lease for entry in entries}
    return {"_id": {"$in": [entry.file.file_id for entry in entries]}, "lease": {"$in": list(leases)}}


def _queued(now: datetime, *, backlog: bool) -> Document:
    return {
        "state": "pending",
        "lane": WorkQueue.QUICK.value,
        "backlog": backlog,
        "due_at": now,
        "lease": None,
        "attempts": 0,
    }


def _change_update(change: FileChange, now: datetime) -> Document:
    file = {name: getattr(change.file, name) for name in _FILE_FIELDS}  # asdict would copy it deeply
    update: Document = {
        "$set": {**file, **_queued(now, backlog=change.backlog), "traceparent": change.traceparent},
        "$inc": {"change": 1},
    }
    if change.event_ids:
        update["$push"] = {"event_ids": {"$each": list(change.event_ids), "$slice": -_KEPT_CAUSES}}
    return update


def _done(outcome: Outcome, now: datetime) -> Document:
    entry, version = outcome.entry, outcome.entry.file.version
    change: Document = {"state": "done", "event_ids": [], "lease": None, "attempts": 0, "traceparent": None}
    if outcome.is_new:
        change["announced"] = outcome.published_state
    if outcome.text is not None:
        found = outcome.text
        change |= {"text_version": version, "text_chars": len(found.text), "ocr": found.ocr, "reason": ""}
    elif outcome.result in ("name", "failed") or entry.file.purged:
        change |= {"text_version": 0, "text_chars": 0, "ocr": False}
    if outcome.result == "failed":
        change |= {"failed_version": version, "reason": outcome.reason}
    if entry.file.purged:
        change |= {"purged_at": now, "name": "", "tags": [], "readers": [], "object_key": ""}
    return change


def _entry(row: Document) -> Entry:
    file = {name: row[name] for name in _FILE_FIELDS}
    file |= {"file_id": row["_id"], "readers": tuple(row["readers"]), "tags": tuple(row["tags"])}
    return Entry(
        file=File(**file),
        change=row["change"],
        pending=row["state"] == "pending",
        attempts=row["attempts"],
        lease=row["lease"],
        text_version=row.get("text_version", 0),
        text_chars=row.get("text_chars", 0),
        ocr=row.get("ocr", False),
        failed_version=row.get("failed_version", 0),
        reason=row.get("reason", ""),
        announced=row.get("announced", ""),
        traceparent=row.get("traceparent"),
    )
