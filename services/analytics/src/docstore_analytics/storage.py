"""What analytics keeps in MongoDB: figures by hour and day, what it knows of accounts and files, and the audit log.

What waits for the archive is in `archive_store`.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from docstore_analytics.archive_columns import pack
from docstore_analytics.archive_store import NOT_PLANNED
from docstore_analytics.audit_chain import NO_HEAD, Chained, Head, chained_of, row_of
from docstore_analytics.domain import STEPS, Account, Counts, Step, start_of
from docstore_platform.clock import utc_now
from docstore_platform.mongo import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    Session,
    UpdateOne,
    conflict,
)


@dataclass(slots=True)
class Chunk:
    """Rows of one day that came together and wait for their segment."""

    id: str
    day: str
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class FileCounts:
    """What is to be added to a file's figures."""

    shares: int = 0
    links: int = 0
    opens: int = 0
    downloads: int = 0
    file_name: str = ""
    owner_id: str = ""
    gone: bool = False

    def name(self, file_name: str, owner_id: str) -> None:
        self.file_name, self.owner_id = file_name, owner_id


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries of the audit log; empty: all. `before` is the last entry of the page before."""

    actor_id: str = ""
    object_id: str = ""
    action: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    before: tuple[datetime, int] | None = None


class Store(Protocol):
    """Writes are made in the transaction of the session; reads without one see what is committed."""

    async def accounts(self, account_ids: Iterable[str], session: Session) -> dict[str, Account]: ...

    async def save_accounts(self, accounts: Mapping[str, Account], session: Session) -> None: ...

    async def count(self, counts: Counts, session: Session) -> None: ...

    async def count_files(self, files: Mapping[str, FileCounts], session: Session) -> None: ...

    async def add_chunks(self, chunks: Sequence[Chunk], session: Session) -> None: ...

    async def head(self, session: Session | None = None) -> Head:
        """The end of the audit log's chain."""
        ...

    async def extend_chain(self, chained: Sequence[Chained], old: Head, new: Head, session: Session) -> None: ...


class MongoStore:
    def __init__(self, database: Database, *, hourly_days: int) -> None:
        self._accounts: Collection = database["accounts"]
        self._series: Collection = database["series"]
        self._files: Collection = database["files"]
        self._chunks: Collection = database["archive_chunks"]
        self._audit: Collection = database["audit"]
        self._heads: Collection = database["audit_head"]
        self._hourly = timedelta(days=hourly_days)

    async def create_indexes(self) -> None:
        await self._series.create_indexes(
            [IndexModel([("step", ASCENDING), ("at", ASCENDING)]), IndexModel("expires_at", expireAfterSeconds=0)]
        )
        await self._files.create_indexes(
            [IndexModel([(figure, DESCENDING), ("_id", ASCENDING)]) for figure in ("shared", "downloads")]
        )
        recent = [("at", DESCENDING), ("_id", DESCENDING)]
        await self._audit.create_indexes(
            [
                IndexModel(recent),
                *(IndexModel([(name, ASCENDING), *recent]) for name in ("actor_id", "object_id", "action")),
            ]
        )

    # --- figures -----------------------------------------------------------------------------------------

    async def accounts(self, account_ids: Iterable[str], session: Session) -> dict[str, Account]:
        rows = self._accounts.find({"_id": {"$in": sorted(account_ids)}}, session=session)
        return {row.pop("_id"): Account(**row) async for row in rows}

    async def save_accounts(self, accounts: Mapping[str, Account], session: Session) -> None:
        writes = [UpdateOne({"_id": id_}, {"$set": asdict(account)}, upsert=True) for id_, account in accounts.items()]
        if writes:
            await self._accounts.bulk_write(writes, ordered=False, session=session)

    async def count(self, counts: Counts, session: Session) -> None:
        """One document an hour and one a day hold all figures of that time."""
        added: dict[tuple[Step, datetime], dict[str, int]] = {}
        for step in STEPS:
            for (at, figure, divided_by), amount in counts.by_step(step).items():
                added.setdefault((step, at), {})[f"figures.{figure}.{divided_by}"] = amount
        writes = []
        for (step, at), amounts in sorted(added.items()):
            known: Document = {"step": step, "at": at}
            if step == "hour":
                known["expires_at"] = at + self._hourly
            writes.append(
                UpdateOne({"_id": f"{step} {at:%Y-%m-%dT%H}"}, {"$inc": amounts, "$setOnInsert": known}, upsert=True)
            )
        if writes:
            await self._series.bulk_write(writes, ordered=False, session=session)

    async def figures(self, figure: str, step: Step, begin: datetime, end: datetime) -> list[Document]:
        """[{at, figures: {<figure>: {divided_by: amount}}}] of those hours or days that have any, in their order."""
        wanted = {"step": step, "at": {"$gte": start_of(step, begin), "$lt": end}, f"figures.{figure}": {"$exists": 1}}
        rows = self._series.find(wanted, {"_id": 0, "at": 1, f"figures.{figure}": 1}).sort("at", ASCENDING)
        found: list[Document] = await rows.to_list(None)
        return found

    async def count_files(self, files: Mapping[str, FileCounts], session: Session) -> None:
        writes = []
        for file_id, counted in files.items():
            added = {
                "shares": counted.shares,
                "links": counted.links,
                "shared": counted.shares + counted.links,
                "opens": counted.opens,
                "downloads": counted.downloads,
            }
            known: Document = {"gone": True} if counted.gone else {}
            if counted.file_name:
                known |= {"name": counted.file_name, "owner_id": counted.owner_id}
            update: Document = {"$inc": added}
            if known:
                update["$set"] = known
            worth_a_row = any(added.values()) or bool(counted.file_name)  # not every file that ends had any
            writes.append(UpdateOne({"_id": file_id}, update, upsert=worth_a_row))
        if writes:
            await self._files.bulk_write(writes, ordered=False, session=session)

    async def top_files(self, figure: str, limit: int) -> list[Document]:
        """The files with the most of it that are still there."""
        rows = self._files.find({figure: {"$gt": 0}, "gone": None}).sort([(figure, DESCENDING), ("_id", ASCENDING)])
        found: list[Document] = await rows.limit(limit).to_list(limit)
        return found

    async def add_chunks(self, chunks: Sequence[Chunk], session: Session) -> None:
        now = utc_now()
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
            await self._chunks.insert_many(rows, session=session)

    # --- audit log ---------------------------------------------------------------------------------------

    async def head(self, session: Session | None = None) -> Head:
        row = await self._heads.find_one({"_id": "head"}, session=session)
        return Head(row["number"], row["signature"], row["seal"], row["key"]) if row else NO_HEAD

    async def extend_chain(self, chained: Sequence[Chained], old: Head, new: Head, session: Session) -> None:
        """Only at the end that was read: of two writers one tries again."""
        replaced = await self._heads.replace_one(
            {"_id": "head", "number": old.number},
            {"number": new.number, "signature": new.signature, "seal": new.seal, "key": new.key},
            upsert=old == NO_HEAD,
            session=session,
        )
        if not (replaced.matched_count or replaced.upserted_id):
            raise conflict("another has extended the audit log")
        await self._audit.insert_many([row_of(each) for each in chained], session=session)

    async def entries_after(self, number: int, limit: int) -> AsyncIterator[Chained]:
        """In their order."""
        rows = self._audit.find({"_id": {"$gt": number}}).sort("_id", ASCENDING).limit(limit)
        async for row in rows:
            yield chained_of(row)

    async def entry(self, number: int) -> Chained | None:
        row = await self._audit.find_one({"_id": number})
        return chained_of(row) if row else None

    async def find_entries(self, query: AuditQuery, limit: int) -> list[Chained]:
        """The latest first."""
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
