"""Reads the journal: for each account, one sequence without gaps of every change to what it may read."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypedDict

from docstore_metadata.changes.journal_writer_repository import entry_id
from docstore_platform.mongodb.client import (
    MAJORITY_READS,
    Collection,
    CollectionInvalid,
    Database,
    Document,
    IndexModel,
    UpdateOne,
    keep_for,
)

DAY_SECONDS = 24 * 3600
NUMBERED_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS_A_SECOND = 1000
"""More than any account has changes, over time. The digits of a sequence number suffice for thirty years."""


async def create_journal_indexes(database: Database, days: int) -> None:
    """`days`: after how long the database deletes an entry."""
    with suppress(CollectionInvalid):  # it exists; created here, so that no transaction is the first to need it
        await database.create_collection("journals")
    await database["journal"].create_indexes([IndexModel("paths", name="by_path")])
    await keep_for(database["journal"], "at", days * DAY_SECONDS)


class Entry(NamedTuple):
    sequence: int
    change: str
    file: bytes
    """JSON, as the account sees it."""


class Before(TypedDict):
    """Where a node was before it was moved."""

    within: list[str]
    """Ids: its own, and those of the folders above it."""
    path: str
    parent_id: str | None


class FolderEntry(NamedTuple):
    """An entry with the places of its node."""

    sequence: int
    change: str
    file: bytes
    """JSON, as the account sees it."""
    within: list[str] | None
    """As in Before; empty for what belongs to others, None in entries of earlier releases."""
    before: Before | None


class Journal(Protocol):
    """Reads only what no election can undo: a published number is never given to another change."""

    async def heads(self, account_ids: Sequence[str]) -> dict[str, int]:
        """The number of the last entry, of those accounts that have one."""

    async def epoch(self, account_id: str) -> str:
        """Changes when a restored backup renumbers the entries; empty before."""

    async def entries(self, account_id: str, after: int, last: int, limit: int) -> list[Entry]:
        """The remaining entries with a number greater than `after`, up to `last`, in order."""

    async def entries_of_folder(
        self, account_id: str, after: int, last: int, folder_id: str, above: Sequence[str], limit: int
    ) -> list[FolderEntry]:
        """Those of what is or was in a folder, of the folder, and of moves of the folders `above` it."""


class MongoJournal:
    def __init__(self, database: Database) -> None:
        self._entries: Collection = database["journal"].with_options(read_concern=MAJORITY_READS)
        self._counters: Collection = database["journals"].with_options(read_concern=MAJORITY_READS)

    async def heads(self, account_ids: Sequence[str]) -> dict[str, int]:
        rows = self._counters.find({"_id": {"$in": list(account_ids)}})
        return {row["_id"]: int(row["seq"]) async for row in rows}

    async def epoch(self, account_id: str) -> str:
        counter = await self._counters.find_one({"_id": account_id}, {"epoch": 1})
        return str(counter.get("epoch", "")) if counter else ""

    async def entries(self, account_id: str, after: int, last: int, limit: int) -> list[Entry]:
        wanted = {"_id": {"$gt": entry_id(account_id, after), "$lte": entry_id(account_id, last)}}
        rows = await self._entries.find(wanted, sort=[("_id", 1)], limit=limit).to_list(limit)
        return [Entry(_sequence(row), row["type"], row["file"]) for row in rows]

    async def entries_of_folder(
        self, account_id: str, after: int, last: int, folder_id: str, above: Sequence[str], limit: int
    ) -> list[FolderEntry]:
        moved_above = {"within.0": {"$in": list(above)}, "type": {"$in": ["moved", "restored"]}}
        either: list[Document] = [{"within": folder_id}, {"before.within": folder_id}, {"within": None}, moved_above]
        wanted = {"_id": {"$gt": entry_id(account_id, after), "$lte": entry_id(account_id, last)}, "$or": either}
        rows = await self._entries.find(wanted, sort=[("_id", 1)], limit=limit).to_list(limit)
        return [
            FolderEntry(_sequence(row), row["type"], row["file"], row.get("within"), row.get("before")) for row in rows
        ]


def _sequence(row: Document) -> int:
    return int(row["_id"].rpartition(".")[2])


async def renumber_journals(database: Database, account_ids: Sequence[str], moment: datetime) -> None:
    """Number the next changes of these accounts beyond every number in use, when a backup is restored.

    The lost journals had numbers that the backup lacks, and clients have seen them. Their cursors now point into a gap:
    they get 410, and the new epoch of the snapshot shows them that it is not the tree they knew.
    """
    first = int((moment - NUMBERED_SINCE).total_seconds()) * NUMBERS_A_SECOND
    beyond = {"$max": [{"$add": [{"$ifNull": ["$seq", 0]}, 1]}, first]}
    update: list[Document] = [{"$set": {"seq": beyond}}, {"$set": {"epoch": {"$toString": "$seq"}}}]
    if account_ids:
        await database["journals"].bulk_write(
            [UpdateOne({"_id": account}, update, upsert=True) for account in account_ids]
        )
