"""The journal: for each account, in one sequence without gaps, every change to what it may read.

Entries are noted while a transaction works and written at its end, in it: there is no entry without its change and no
change without its entry. Each write takes its numbers from the account's counter, so their order is that of the
commits: of two transactions that count up the same counter, one is tried again after the other.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import orjson

from docstore_events.journal import journal_wakeup
from docstore_events.transaction import Transaction
from docstore_metadata.sharing.roots import shared_by, shared_roots_of
from docstore_metadata.tree.presentation import file_json
from docstore_metadata.tree.rules import Node, Place, View
from docstore_platform.clock import utc_now
from docstore_platform.mongo import (
    BulkWriteError,
    Collection,
    CollectionInvalid,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
    ReturnDocument,
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


class NewEntry(NamedTuple):
    """An entry to be. It shows the node as the transaction leaves it, at the path that `view` has."""

    change: ChangeType
    view: View
    previous_path: str | None = None


class JournalWriter:
    """What one transaction changes for whom."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._notes: defaultdict[str, list[NewEntry]] = defaultdict(list)

    def add(self, account_id: str, note: NewEntry) -> None:
        """One entry for one account."""
        if not self._notes:
            self._transaction.write_last(self._write)
        self._notes[account_id].append(note)

    async def _write(self) -> None:
        session, database = self._transaction.session, self._transaction.database
        for account, notes in self._notes.items():
            lost, gained = _folders(notes, "unshared"), _folders(notes, "shared")
            notes[:0] = [NewEntry("unshared", view) for view in await _now_within(database, gained, account, session)]
            notes += [NewEntry("shared", view) for view in await _still_shared(database, lost, account, session)]
        await touch_owner_journals(database, _owners_without_entry(self._notes), session)
        last = await _count_up(database, {account: len(notes) for account, notes in self._notes.items()}, session)
        await database["journal"].insert_many(list(self._entries(last)), session=session)
        for account in self._notes:  # who waits in this process need not wait for the broker, too
            self._transaction.wake_after(journal_wakeup(account))

    def _entries(self, last: dict[str, int]) -> Iterator[Document]:
        now = utc_now()
        for account, notes in self._notes.items():
            for sequence, note in enumerate(notes, last[account] - len(notes) + 1):
                view = note.view
                paths = {view.path, note.previous_path or view.path}
                yield {
                    "_id": entry_id(account, sequence),
                    "type": note.change,
                    "at": now,
                    "paths": [path_key(account, path) for path in paths],
                    "file": orjson.dumps(file_json(view)),
                }


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


def _owners_without_entry(noted: Mapping[str, Sequence[NewEntry]]) -> set[str]:
    """Whose trees get other readers without an entry of their own: by `meet_owners` this conflicts all the same with
    every change by whoever does not see it yet, wherever in the tree."""
    seen = [note for notes in noted.values() for note in notes if note.change in ("shared", "unshared")]
    return {note.view.node.owner_id for note in seen} - noted.keys()


def _folders(notes: Sequence[NewEntry], change: ChangeType) -> list[Node]:
    return [note.view.node for note in notes if note.change == change and note.view.node.is_folder]


async def _still_shared(database: Database, lost: list[Node], account: str, session: Session) -> list[View]:
    """What is shared by itself below folders that an account can't read any more."""
    if not lost:
        return []
    roots = await shared_roots_of(database, account, {folder.owner_id for folder in lost}, session)
    return [place.as_seen_by(account) for place in _below(lost, roots)]


async def _now_within(database: Database, gained: list[Node], account: str, session: Session) -> list[View]:
    """What is shared by itself below folders that an account can read from now on, as it was seen until now.

    It comes with the folder now, and goes with it: who can't list the folder any more when they hear of it would keep
    it for ever.
    """
    if not gained:
        return []
    places = await shared_by(database, account, {folder.owner_id for folder in gained}, session)
    return [Place(place.node, ()).as_seen_by(account) for place in _below(gained, places)]


def _below(folders: list[Node], places: list[Place]) -> list[Place]:
    ids = {folder.id for folder in folders}
    return [place for place in places if not ids.isdisjoint(place.ancestor_ids)]


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


async def _count_up(database: Database, numbers: dict[str, int], session: Session) -> dict[str, int]:
    """Take so many numbers from the counter of each account; answers the last one taken of each."""
    counters: Collection = database["journals"]
    try:
        if len(numbers) == 1:
            [(account, number)] = numbers.items()
            counter = await counters.find_one_and_update(
                {"_id": account},
                {"$inc": {"seq": number}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            return {account: counter["seq"]}
        return await _count_up_many(counters, numbers, session)
    except DuplicateKeyError as error:
        raise conflict("another transaction has just begun this journal") from error


async def _count_up_many(counters: Collection, numbers: dict[str, int], session: Session) -> dict[str, int]:
    """The same in a few round trips for any number of accounts: most have the same to take."""
    by_number: defaultdict[int, list[str]] = defaultdict(list)
    for account in sorted(numbers):
        by_number[numbers[account]].append(account)
    for number, accounts in by_number.items():
        update = {"$inc": {"seq": number}}
        outcome = await counters.update_many({"_id": {"$in": accounts}}, update, session=session)
        if outcome.matched_count < len(accounts):
            known = {row["_id"] async for row in counters.find({"_id": {"$in": accounts}}, {"_id": 1}, session=session)}
            new = [{"_id": account, "seq": number} for account in accounts if account not in known]
            await counters.insert_many(new, session=session)
    found = counters.find({"_id": {"$in": list(numbers)}}, session=session)
    return {row["_id"]: row["seq"] async for row in found}
