"""The audit log in MongoDB: entries and their end, seals, and the number of anchors."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from docstore_analytics.audit.rules import NO_HEAD, Chained, Head, chained_of, row_of
from docstore_events.transaction import Transaction, session_of
from docstore_platform.mongodb.client import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
    conflict,
)


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Filter of audit entries; empty: all. `before` is the last entry of the page before."""

    actor_id: str = ""
    object_id: str = ""
    action: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    before: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """Entries `first` to `last` (inclusive) are in the object `key`."""

    first: int
    last: int
    key: str


class AuditRepository(Protocol):
    async def head(self, transaction: Transaction | None = None) -> Head:
        """Return the end of the chain."""

    async def extend_chain(self, chained: Sequence[Chained], old: Head, new: Head, transaction: Transaction) -> None:
        """Append to the end that was read: of two concurrent transactions, one is retried."""

    def entries_after(self, number: int, limit: int) -> AsyncIterator[Chained]:
        """Iterate over entries in order."""

    async def entry(self, number: int) -> Chained | None: ...

    async def find_entries(self, query: AuditQuery, limit: int) -> list[Chained]:
        """Return matching entries, latest first."""


class SealRepository(Protocol):
    async def add(self, seal: Seal) -> bool:
        """Add a seal; False if another instance has sealed from the same entry on."""

    async def last(self) -> Seal | None: ...

    async def between(self, first: int, last: int) -> list[Seal]:
        """Return the seals of entries from `first` to `last`."""


class AnchorNotes(Protocol):
    """The database's record of the last anchor, which shows if that anchor was deleted."""

    async def last_seq(self) -> int: ...

    async def note(self, seq: int) -> None: ...


class MongoAudit:
    def __init__(self, database: Database) -> None:
        self._audit: Collection = database["audit"]
        self._heads: Collection = database["audit_head"]

    async def create_indexes(self) -> None:
        recent = [("at", DESCENDING), ("_id", DESCENDING)]
        await self._audit.create_indexes(
            [
                IndexModel(recent),
                *(IndexModel([(name, ASCENDING), *recent]) for name in ("actor_id", "object_id", "action")),
            ]
        )

    async def head(self, transaction: Transaction | None = None) -> Head:
        row = await self._heads.find_one({"_id": "head"}, session=session_of(transaction))
        return Head(row["number"], row["signature"], row["seal"], row["key"]) if row else NO_HEAD

    async def extend_chain(self, chained: Sequence[Chained], old: Head, new: Head, transaction: Transaction) -> None:
        replaced = await self._heads.replace_one(
            {"_id": "head", "number": old.number},
            {"number": new.number, "signature": new.signature, "seal": new.seal, "key": new.key},
            upsert=old == NO_HEAD,
            session=transaction.session,
        )
        if not (replaced.matched_count or replaced.upserted_id):
            raise conflict("another instance has extended the audit log")
        await self._audit.insert_many([row_of(each) for each in chained], session=transaction.session)

    async def entries_after(self, number: int, limit: int) -> AsyncIterator[Chained]:
        rows = self._audit.find({"_id": {"$gt": number}}).sort("_id", ASCENDING).limit(limit)
        async for row in rows:
            yield chained_of(row)

    async def entry(self, number: int) -> Chained | None:
        row = await self._audit.find_one({"_id": number})
        return chained_of(row) if row else None

    async def find_entries(self, query: AuditQuery, limit: int) -> list[Chained]:
        wanted: dict[str, Any] = {
            name: value for name in ("actor_id", "object_id", "action") if (value := getattr(query, name))
        }
        within = {"$gte": query.begin, "$lt": query.end}
        if bounds := {operator: moment for operator, moment in within.items() if moment is not None}:
            wanted["at"] = bounds
        if query.before is not None:
            at, number = query.before
            wanted["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": number}}]
        rows = self._audit.find(wanted).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [chained_of(row) async for row in rows]


class MongoSeals:
    def __init__(self, database: Database) -> None:
        self._seals: Collection = database["audit_seals"]

    async def add(self, seal: Seal) -> bool:
        try:
            await self._seals.insert_one({"_id": seal.first, "last": seal.last, "key": seal.key})
        except DuplicateKeyError:
            return False
        return True

    async def last(self) -> Seal | None:
        row = await self._seals.find_one(sort=[("_id", DESCENDING)])
        return _seal(row) if row else None

    async def between(self, first: int, last: int) -> list[Seal]:
        before = await self._seals.find_one({"_id": {"$lte": first}}, sort=[("_id", DESCENDING)])
        start = before["_id"] if before else first
        rows = self._seals.find({"_id": {"$gte": start, "$lte": last}}).sort("_id", 1)
        return [_seal(row) async for row in rows]


class MongoAnchorNotes:
    def __init__(self, database: Database) -> None:
        self._notes: Collection = database["audit_anchor"]

    async def last_seq(self) -> int:
        row = await self._notes.find_one({"_id": "last"})
        return int(row["seq"]) if row else 0

    async def note(self, seq: int) -> None:
        await self._notes.replace_one({"_id": "last"}, {"seq": seq}, upsert=True)


def _seal(row: Document) -> Seal:
    return Seal(row["_id"], row["last"], row["key"])
