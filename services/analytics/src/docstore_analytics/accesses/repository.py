"""Positions in the access logs: how far each has been read, in MongoDB."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import ASCENDING, Collection, Database, IndexModel


@dataclass(frozen=True, slots=True)
class Progress:
    """Number of lines of a file that are in the archive, and whether that is all."""

    lines: int = 0
    is_done: bool = False


class AccessLogRepository(Protocol):
    async def position(self, source: str) -> str:
        """Return the name after which files are listed; empty at first."""

    async def progress(self, source: str, keys: Sequence[str]) -> dict[str, Progress]:
        """Return the progress of those files that were begun."""

    async def advance(self, source: str, key: str, before: Progress, after: Progress, transaction: Transaction) -> bool:
        """Store a file's progress; False if another instance has advanced it since `before`."""

    async def move_on(self, source: str, key: str) -> None:
        """Make `key` the position, and forget the files up to it."""


class MongoAccessLogs:
    def __init__(self, database: Database) -> None:
        self._files: Collection = database["access_logs"]
        self._positions: Collection = database["access_log_positions"]

    async def create_indexes(self) -> None:
        await self._files.create_indexes([IndexModel([("source", ASCENDING), ("key", ASCENDING)], unique=True)])

    async def position(self, source: str) -> str:
        row = await self._positions.find_one({"_id": source})
        return row["key"] if row else ""

    async def progress(self, source: str, keys: Sequence[str]) -> dict[str, Progress]:
        rows = self._files.find({"source": source, "key": {"$in": list(keys)}})
        return {row["key"]: Progress(row["lines"], row["is_done"]) async for row in rows}

    async def advance(self, source: str, key: str, before: Progress, after: Progress, transaction: Transaction) -> bool:
        session, known = transaction.session, {"source": source, "key": key}
        if await self._positions.find_one({"_id": source, "key": {"$gte": key}}, session=session):
            return False
        if before == Progress():
            begun = {"$setOnInsert": {"lines": 0, "is_done": False}}
            await self._files.update_one(known, begun, upsert=True, session=session)
        expected = {**known, "lines": before.lines, "is_done": False}
        stored = {"$set": {"lines": after.lines, "is_done": after.is_done}}
        return (await self._files.update_one(expected, stored, session=session)).matched_count == 1

    async def move_on(self, source: str, key: str) -> None:
        await self._positions.update_one({"_id": source}, {"$set": {"key": key}}, upsert=True)
        await self._files.delete_many({"source": source, "key": {"$lte": key}})
