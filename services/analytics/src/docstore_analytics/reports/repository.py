"""Figures by hour and day, and facts about accounts and files, in MongoDB."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_analytics.reports.rules import STEPS, Account, Counts, FileCounts, Step, start_of
from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    UpdateOne,
)

SHARED: Document = {"shared": {"$gt": 0}}


@dataclass(frozen=True, slots=True)
class StepAmounts:
    """A figure of one hour or day, split by its dimension."""

    at: datetime
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FileFigures:
    """The current figures of a file."""

    file_id: str
    name: str | None
    owner_id: str | None
    shares: int
    links: int
    opens: int
    downloads: int


class FigureRepository(Protocol):
    async def accounts(self, account_ids: Iterable[str], transaction: Transaction) -> dict[str, Account]: ...

    async def save_accounts(self, accounts: Mapping[str, Account], transaction: Transaction) -> None: ...

    async def count(self, counts: Counts, transaction: Transaction) -> None: ...

    async def count_files(self, files: Mapping[str, FileCounts], transaction: Transaction) -> None: ...

    async def figures(self, figure: str, step: Step, begin: datetime, end: datetime) -> list[StepAmounts]:
        """Return the hours or days with values, in order."""

    async def top_files(self, figure: str, limit: int) -> list[FileFigures]:
        """Return the existing files with the highest figure."""

    async def shared_files(self, owner_id: str, limit: int) -> list[FileFigures]:
        """Return what an account shares, with most people and links first."""


class MongoFigures:
    def __init__(self, database: Database, *, hourly_days: int) -> None:
        self._accounts: Collection = database["accounts"]
        self._series: Collection = database["series"]
        self._files: Collection = database["files"]
        self._hourly = timedelta(days=hourly_days)

    async def create_indexes(self) -> None:
        await self._series.create_indexes(
            [IndexModel([("step", ASCENDING), ("at", ASCENDING)]), IndexModel("expires_at", expireAfterSeconds=0)]
        )
        await self._files.create_indexes(
            [
                *(IndexModel([(figure, DESCENDING), ("_id", ASCENDING)]) for figure in ("shared", "downloads")),
                IndexModel([("owner_id", ASCENDING), ("shared", DESCENDING)], partialFilterExpression=SHARED),
            ]
        )

    async def accounts(self, account_ids: Iterable[str], transaction: Transaction) -> dict[str, Account]:
        rows = self._accounts.find({"_id": {"$in": sorted(account_ids)}}, session=transaction.session)
        return {row.pop("_id"): Account(**row) async for row in rows}

    async def save_accounts(self, accounts: Mapping[str, Account], transaction: Transaction) -> None:
        writes = [UpdateOne({"_id": id_}, {"$set": asdict(account)}, upsert=True) for id_, account in accounts.items()]
        if writes:
            await self._accounts.bulk_write(writes, ordered=False, session=transaction.session)

    async def count(self, counts: Counts, transaction: Transaction) -> None:
        """Add figures: one document an hour and one a day hold all figures of that time."""
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
            await self._series.bulk_write(writes, ordered=False, session=transaction.session)

    async def count_files(self, files: Mapping[str, FileCounts], transaction: Transaction) -> None:
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
            worth_a_row = any(added.values()) or bool(counted.file_name)  # a deleted file may have none
            writes.append(UpdateOne({"_id": file_id}, update, upsert=worth_a_row))
        if writes:
            await self._files.bulk_write(writes, ordered=False, session=transaction.session)

    async def figures(self, figure: str, step: Step, begin: datetime, end: datetime) -> list[StepAmounts]:
        wanted = {"step": step, "at": {"$gte": start_of(step, begin), "$lt": end}, f"figures.{figure}": {"$exists": 1}}
        rows = self._series.find(wanted, {"_id": 0, "at": 1, f"figures.{figure}": 1}).sort("at", ASCENDING)
        return [StepAmounts(row["at"], row["figures"][figure]) async for row in rows]

    async def top_files(self, figure: str, limit: int) -> list[FileFigures]:
        rows = self._files.find({figure: {"$gt": 0}, "gone": None}).sort([(figure, DESCENDING), ("_id", ASCENDING)])
        return [_file_figures(row) async for row in rows.limit(limit)]

    async def shared_files(self, owner_id: str, limit: int) -> list[FileFigures]:
        rows = self._files.find({"owner_id": owner_id, **SHARED, "gone": None}).sort("shared", DESCENDING)
        return [_file_figures(row) async for row in rows.limit(limit)]


def _file_figures(row: Document) -> FileFigures:
    figures = {name: row.get(name, 0) for name in ("shares", "links", "opens", "downloads")}
    return FileFigures(file_id=row["_id"], name=row.get("name"), owner_id=row.get("owner_id"), **figures)
