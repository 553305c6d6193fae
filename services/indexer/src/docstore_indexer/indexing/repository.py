"""Indexed files, and the queues of those that wait for the index."""

from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Protocol

from docstore_indexer.indexing.rules import RETRY_WAKEUP, Entry, File, FileChange, Outcome, WorkQueue
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Document, IndexModel, Session, UpdateOne
from docstore_work.lease_queue import Lease, LeaseQueue
from docstore_work.wakeup import wake

TOMBSTONE_SECONDS = 30 * 24 * 3600
"""A purged file is kept while late events of it may still arrive."""
_KEPT_CAUSES = 1000
_OPEN = {"state": "pending"}
_PENDING: dict[str, Any] = {"partialFilterExpression": _OPEN}
_QUEUED = {**_OPEN, "lane": {"$gte": ""}}
"""All pending files. Without a condition on its first field, the index of pending files would not be used."""
_NOW = {"$currentDate": {"due_at": True}}
"""Due now by the database's clock, which alone decides what is due."""
_SLOW_QUEUES = [queue.value for queue in WorkQueue if queue is not WorkQueue.QUICK]
_UNCLAIMED = {"lease_owner": None, "lease_until": None, "lease": None}
"""No lease, in the fields of this release and the one before."""
_FORMER_LANGUAGES = "eng"
"""Of texts that were recognized before languages could be chosen."""
_FILE_FIELDS = tuple(field.name for field in fields(File) if field.name != "file_id")


class Entries(Protocol):
    """The indexed files and their queue state."""

    async def revisions(self, file_ids: Several[str], session: Session) -> Mapping[str, int]:
        """Return the last revision of each known file."""

    async def record(self, changes: Sequence[FileChange], session: Session) -> None:
        """Store the new state of files and queue them; leases on them are lost."""

    async def claim(self, queue: WorkQueue, limit: int) -> list[Entry]:
        """Lease due files, fresh ones before the backlog."""

    async def move(self, entries: Sequence[Entry], queue: WorkQueue) -> None:
        """Move leased files to another queue and reset their attempts."""

    async def postpone(self, entries: Sequence[Entry], queue: WorkQueue, seconds: float, *, counted: bool) -> None:
        """Retry leased files after so many seconds; `counted`: this attempt counts."""

    async def held(self, entries: Sequence[Entry], session: Session) -> set[str]:
        """Return the ids of leased files that have not changed since."""

    async def complete(self, outcomes: Sequence[Outcome], session: Session) -> None:
        """Store the outcomes of files that are still leased, which ends their queueing. Raises LeaseLost."""

    async def requeue(self, file_ids: Several[str], *, drop_text: bool = False) -> None:
        """Queue files again as a backlog; those that are pending restart."""

    async def release_all(self) -> int:
        """Make all pending files due from their first step; work under way on them no longer counts."""

    async def page(self, after: str, limit: int, owner_id: str | None = None) -> list[Entry]:
        """Return entries by id, purged ones too; of one owner or of all."""

    async def has_backlog(self, owner_id: str) -> bool:
        """Whether files of an account wait that were queued as a backlog."""

    async def load(self, file_ids: Several[str]) -> dict[str, Entry]: ...


class MongoEntries:
    """Collection `documents`: one for each file."""

    def __init__(self, database: Database, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._documents: Collection = database["documents"]
        self._queue = LeaseQueue(
            self._documents, "indexer documents", lease_seconds=lease_seconds, legacy_owner="lease", legacy_null=True
        )
        self._clock = clock

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

    async def record(self, changes: Sequence[FileChange], session: Session) -> None:
        writes = [UpdateOne({"_id": change.file.file_id}, _change_update(change), upsert=True) for change in changes]
        if writes:
            await self._documents.bulk_write(writes, ordered=False, session=session)

    async def claim(self, queue: WorkQueue, limit: int) -> list[Entry]:
        where = {**_OPEN, "lane": queue.value}
        leases = await self._queue.claim_batch(limit, {**where, "backlog": False})
        if len(leases) < limit:
            leases += await self._queue.claim_batch(limit - len(leases), {**where, "backlog": True})
        return [_entry(lease.document) for lease in leases]

    async def move(self, entries: Sequence[Entry], queue: WorkQueue) -> None:
        await self._queue.postpone_batch(_leases(entries), 0.0, {"lane": queue.value, "attempts": 0})

    async def postpone(self, entries: Sequence[Entry], queue: WorkQueue, seconds: float, *, counted: bool) -> None:
        await self._queue.postpone_batch(_leases(entries), seconds, {"lane": queue.value}, counted=counted)
        wake(RETRY_WAKEUP)

    async def held(self, entries: Sequence[Entry], session: Session) -> set[str]:
        rows = self._documents.find(self._queue.held_among(_leases(entries)), {"_id": 1}, session=session)
        return {row["_id"] async for row in rows}

    async def complete(self, outcomes: Sequence[Outcome], session: Session) -> None:
        now = self._clock()
        done = [(_lease(outcome.entry), _done(outcome, now)) for outcome in outcomes]
        await self._queue.complete_batch(done, session=session)

    async def page(self, after: str, limit: int, owner_id: str | None = None) -> list[Entry]:
        condition: Document = {"_id": {"$gt": after}}
        if owner_id is not None:
            condition["owner_id"] = owner_id
        rows = self._documents.find(condition).sort("_id", 1).limit(limit)
        return [_entry(row) async for row in rows]

    async def has_backlog(self, owner_id: str) -> bool:
        condition = {**_QUEUED, "backlog": True, "owner_id": owner_id}
        return await self._documents.find_one(condition, {"_id": 1}) is not None

    async def load(self, file_ids: Several[str]) -> dict[str, Entry]:
        rows = self._documents.find({"_id": {"$in": list(file_ids)}})
        return {row["_id"]: _entry(row) async for row in rows}

    async def files_of(self, owner_id: str, after: str, limit: int) -> list[Entry]:
        """Return an account's files by id, without folders and purged ones."""
        condition = {"owner_id": owner_id, "_id": {"$gt": after}, "kind": "file", "purged": False}
        rows = self._documents.find(condition).sort("_id", 1).limit(limit)
        return [_entry(row) async for row in rows]

    async def requeue(self, file_ids: Several[str], *, drop_text: bool = False) -> None:
        await self._requeue(file_ids, backlog=True, **({"text_version": 0, "text_chars": 0} if drop_text else {}))

    async def mark_purged(self, file_ids: Several[str]) -> None:
        """Queue files that metadata no longer has for removal from the index."""
        await self._requeue(file_ids, backlog=False, purged=True)

    async def _requeue(self, file_ids: Several[str], *, backlog: bool, **changes: Any) -> None:
        update = {"$set": {**_queued(backlog=backlog), **changes}, "$inc": {"change": 1}, **_NOW}
        await self._documents.update_many({"_id": {"$in": list(file_ids)}}, update)

    async def count_crashes(self) -> None:
        """Count a crash of each file that a dead process held outside the quick queue: any may be the cause."""
        held = {**_OPEN, "lane": {"$in": _SLOW_QUEUES}, "lease_owner": {"$gt": ""}}
        await self._documents.update_many(held, {"$set": {**_UNCLAIMED, "attempts": 0}, "$inc": {"crashes": 1}})

    async def release_all(self) -> int:
        change = {"lane": WorkQueue.QUICK.value, **_UNCLAIMED}
        outcome = await self._documents.update_many(_QUEUED, {"$set": change, **_NOW})
        return int(outcome.modified_count)

    async def due_queues(self) -> list[WorkQueue]:
        """Return the queues with due files."""
        due = {**_OPEN, **self._queue.claimable()}
        return [each for each in WorkQueue if await self._documents.find_one({**due, "lane": each.value}, {"_id": 1})]

    async def pending_by_queue(self) -> dict[str, int]:
        count: list[Document] = [{"$match": _QUEUED}, {"$group": {"_id": "$lane", "files": {"$sum": 1}}}]
        return {row["_id"]: row["files"] async for row in self._documents.aggregate(count)}

    async def pending_events(self, event_ids: set[str]) -> set[str]:
        """Return those of the events whose files are still pending."""
        condition = {**_OPEN, "event_ids": {"$in": list(event_ids)}}
        rows = self._documents.find(condition, {"event_ids": 1})
        return {event_id async for row in rows for event_id in row["event_ids"]} & event_ids


def _leases(entries: Iterable[Entry]) -> list[Lease]:
    return [_lease(entry) for entry in entries]


def _lease(entry: Entry) -> Lease:
    return Lease(entry.file.file_id, entry.lease or "", entry.attempts, {})


def _queued(*, backlog: bool) -> Document:
    return {"state": "pending", "lane": WorkQueue.QUICK.value, "backlog": backlog, "attempts": 0, **_UNCLAIMED}


def _change_update(change: FileChange) -> Document:
    file = {name: getattr(change.file, name) for name in _FILE_FIELDS}  # asdict would copy it deeply
    update: Document = {
        "$set": {**file, **_queued(backlog=change.backlog), "crashes": 0, "traceparent": change.traceparent},
        "$inc": {"change": 1},
        **_NOW,
    }
    if change.event_ids:
        update["$push"] = {"event_ids": {"$each": list(change.event_ids), "$slice": -_KEPT_CAUSES}}
    return update


def _done(outcome: Outcome, now: datetime) -> Document:
    entry, version = outcome.entry, outcome.entry.file.version
    change: Document = {"state": "done", "event_ids": [], "attempts": 0, "crashes": 0, "traceparent": None}
    if outcome.is_new:
        change["announced"] = outcome.published_state
    if outcome.text is not None:
        found = outcome.text
        change |= {"text_version": version, "text_chars": len(found.text), "ocr": found.ocr, "reason": ""}
        change["ocr_languages"] = outcome.languages
    elif outcome.result in ("name", "failed") or entry.file.purged:
        change |= {"text_version": 0, "text_chars": 0, "ocr": False}
    if outcome.result == "failed":
        change |= {"failed_version": version, "reason": outcome.reason}
    if entry.file.purged:
        change |= {"purged_at": now, "name": "", "tags": [], "metadata": {}, "readers": [], "object_key": ""}
    return change


def _entry(row: Document) -> Entry:
    file = {name: row[name] for name in _FILE_FIELDS if name in row}
    file |= {"file_id": row["_id"], "readers": tuple(row["readers"]), "tags": tuple(row["tags"])}
    return Entry(
        file=File(**file),
        change=row["change"],
        pending=row["state"] == "pending",
        attempts=row["attempts"],
        crashes=row.get("crashes", 0),
        lease=row.get("lease_owner"),
        text_version=row.get("text_version", 0),
        text_chars=row.get("text_chars", 0),
        ocr=row.get("ocr", False),
        ocr_languages=row.get("ocr_languages", _FORMER_LANGUAGES if row.get("ocr") else ""),
        failed_version=row.get("failed_version", 0),
        reason=row.get("reason", ""),
        announced=row.get("announced", ""),
        traceparent=row.get("traceparent"),
    )
