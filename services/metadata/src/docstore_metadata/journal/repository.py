"""The journal: for each account, in one sequence without gaps, every change to what it may read.

Entries are noted while a transaction works and written at its end, in it: there is no entry without its change and no
change without its entry. Each write takes its numbers from the account's counter, so their order is that of the
commits: of two transactions that count up the same counter, one is tried again after the other.
"""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Protocol

from docstore_platform.mongo import (
    MAJORITY_READS,
    BulkWriteError,
    Collection,
    CollectionInvalid,
    Database,
    Document,
    IndexModel,
    Session,
    UpdateOne,
    conflict,
    keep_for,
)

ChangeType = Literal["created", "modified", "moved", "deleted", "restored", "shared", "unshared"]
MAX_ENTRIES = 20_000
"""In one transaction: with twice as many it is too large for a database with a small cache."""
SEQUENCE_DIGITS = 12
DAY_SECONDS = 24 * 3600
NUMBERED_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS_A_SECOND = 1000
"""More than any account has changes, over time; and SEQUENCE_DIGITS are enough for thirty years."""


def entry_id(account_id: str, sequence: int) -> str:
    """Ordered as the entries of an account are."""
    return f"{account_id}.{sequence:0{SEQUENCE_DIGITS}d}"


def path_key(account_id: str, path: str) -> int:
    """What entries are found by that were at a path of an account: 64 bits."""
    digest = hashlib.blake2b(f"{account_id}:{path}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


async def create_journal_indexes(database: Database, days: int) -> None:
    """Entries go after so many days."""
    with suppress(CollectionInvalid):  # it is there; made here, since no transaction should be the first to need it
        await database.create_collection("journals")
    await database["journal"].create_indexes([IndexModel("paths", name="by_path")])
    await keep_for(database["journal"], "at", days * DAY_SECONDS)


class Entry(NamedTuple):
    sequence: int
    change: str
    file: bytes
    """JSON, as the account sees it."""


class Journal(Protocol):
    """Reads only what no election can undo: a number once told is never given to another change."""

    async def heads(self, account_ids: Sequence[str]) -> dict[str, int]:
        """The number of the last entry, of those accounts that have one."""
        ...

    async def epoch(self, account_id: str) -> str:
        """Changes when a restored backup numbers the entries anew; empty before."""
        ...

    async def entries(self, account_id: str, after: int, last: int, limit: int) -> list[Entry]:
        """The entries that are kept with a number greater than `after`, up to `last`, in order."""
        ...


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
        return [Entry(int(row["_id"].rpartition(".")[2]), row["type"], row["file"]) for row in rows]


async def touch_owner_journals(database: Database, owners: Iterable[str], session: Session) -> None:
    """Have this transaction conflict from now on with every other that changes these accounts' trees.

    Each counts up the owner's journal, at its end. One whose work was undone by another that came between writes the
    counter first, without counting: so the next of the others loses, and in the end everybody has a turn.
    """
    met = [UpdateOne({"_id": owner}, {"$inc": {"met": 1, "seq": 0}}, upsert=True) for owner in sorted(owners)]
    if met:
        try:
            await database["journals"].bulk_write(met, session=session)
        except BulkWriteError as error:
            raise conflict("another transaction has just begun this journal") from error


async def renumber_journals(database: Database, account_ids: Sequence[str], moment: datetime) -> None:
    """Number the next changes of these accounts beyond all that was ever given out, at the restore of a backup.

    The lost journals had numbers that the backup knows nothing of, and clients have seen them. Their cursors lie in a
    gap now: they are told 410, and by the epoch of the snapshot that it is not about the tree they knew.
    """
    first = int((moment - NUMBERED_SINCE).total_seconds()) * NUMBERS_A_SECOND
    beyond = {"$max": [{"$add": [{"$ifNull": ["$seq", 0]}, 1]}, first]}
    update: list[Document] = [{"$set": {"seq": beyond}}, {"$set": {"epoch": {"$toString": "$seq"}}}]
    if account_ids:
        await database["journals"].bulk_write(
            [UpdateOne({"_id": account}, update, upsert=True) for account in account_ids]
        )
