"""Writes journal entries at the end of a transaction, in one sequence without gaps for each account.

No entry is written without its change, and no change without its entry. Each write takes its numbers from the account's
counter, so that they are in commit order: of two transactions that increment the same counter, one is retried.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import orjson

from docstore_contracts.metadata import journal_wakeup
from docstore_events.transaction import Transaction
from docstore_metadata.tree.places import Place, View
from docstore_metadata.tree.rules import Node
from docstore_metadata.tree.shared_roots_repository import shared_by, shared_roots_of
from docstore_metadata.tree.views.presentation import file_json
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import (
    BulkWriteError,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    ReturnDocument,
    Session,
    UpdateOne,
    conflict,
)

ChangeType = Literal["created", "modified", "moved", "deleted", "restored", "shared", "unshared"]
MAX_ENTRIES = 20_000
"""In one transaction: twice as many are too large for a database with a small cache."""
SEQUENCE_DIGITS = 12


def entry_id(account_id: str, sequence: int) -> str:
    """Sorts like the entries of an account."""
    return f"{account_id}.{sequence:0{SEQUENCE_DIGITS}d}"


def path_key(account_id: str, path: str) -> int:
    """64-bit key that finds the entries of a path of an account."""
    digest = hashlib.blake2b(f"{account_id}:{path}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


async def touch_owner_journals(database: Database, owners: Iterable[str], session: Session) -> None:
    """Make this transaction conflict, from now on, with every other that changes these accounts' trees.

    Each transaction increments the owner's counter at its end. One that was undone by another writes the counter first,
    without incrementing it: so the next of the others loses, and in the end each commits.
    """
    met = [UpdateOne({"_id": owner}, {"$inc": {"met": 1, "seq": 0}}, upsert=True) for owner in sorted(owners)]
    if met:
        try:
            await database["journals"].bulk_write(met, session=session)
        except BulkWriteError as error:
            raise conflict("another transaction has just begun this journal") from error


class NewEntry(NamedTuple):
    """An entry to be written. It shows the node as the transaction leaves it, at the path of `view`."""

    change: ChangeType
    view: View
    within: tuple[str, ...] = ()
    """Ids: its own, and those of the folders above it. Only for what is in the account's own tree."""
    before: View | None = None
    """Where it was, if it was moved."""
    before_within: tuple[str, ...] = ()


class JournalWriter:
    """Collects the entries of one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._entries: defaultdict[str, list[NewEntry]] = defaultdict(list)

    def add(self, account_id: str, entry: NewEntry) -> None:
        if not self._entries:
            self._transaction.write_last(self._write)
        self._entries[account_id].append(entry)

    async def _write(self) -> None:
        session, database = self._transaction.session, self._transaction.database
        for account, entries in self._entries.items():
            lost, gained = _folders(entries, "unshared"), _folders(entries, "shared")
            entries[:0] = [
                NewEntry("unshared", view) for view in await _now_inherited(database, gained, account, session)
            ]
            entries += [NewEntry("shared", view) for view in await _still_shared(database, lost, account, session)]
        await touch_owner_journals(database, _owners_without_entry(self._entries), session)
        last = await _count_up(database, {account: len(entries) for account, entries in self._entries.items()}, session)
        await database["journal"].insert_many(list(self._documents(last)), session=session)
        for account in self._entries:  # clients that wait in this process need not wait for the broker
            self._transaction.wake_after(journal_wakeup(account))

    def _documents(self, last: dict[str, int]) -> Iterator[Document]:
        now = utc_now()
        for account, entries in self._entries.items():
            for sequence, entry in enumerate(entries, last[account] - len(entries) + 1):
                view, before = entry.view, entry.before or entry.view
                document = {
                    "_id": entry_id(account, sequence),
                    "type": entry.change,
                    "at": now,
                    "paths": [path_key(account, path) for path in {view.path, before.path}],
                    "file": orjson.dumps(file_json(view)),
                    "within": list(entry.within),
                }
                if entry.before_within:
                    was = {"path": before.path, "parent_id": before.parent_id}
                    document["before"] = {"within": list(entry.before_within), **was}
                yield document


def _owners_without_entry(added: Mapping[str, Sequence[NewEntry]]) -> set[str]:
    """Owners whose trees change readers without an entry of their own.

    Touching their journals makes this conflict with every concurrent change that does not know the new readers yet.
    """
    seen = [entry for entries in added.values() for entry in entries if entry.change in ("shared", "unshared")]
    return {entry.view.node.owner_id for entry in seen} - added.keys()


def _folders(entries: Sequence[NewEntry], change: ChangeType) -> list[Node]:
    return [entry.view.node for entry in entries if entry.change == change and entry.view.node.is_folder]


async def _still_shared(database: Database, lost: list[Node], account: str, session: Session) -> list[View]:
    """What is shared by itself below folders that an account lost."""
    if not lost:
        return []
    roots = await shared_roots_of(database, account, {folder.owner_id for folder in lost}, session)
    return [place.as_seen_by(account) for place in _below(lost, roots)]


async def _now_inherited(database: Database, gained: list[Node], account: str, session: Session) -> list[View]:
    """What is shared by itself below folders that an account gained, as it was seen until now.

    It belongs to the folder from now on. A client that can no longer list the folder when it reads the entry would
    otherwise keep it for ever.
    """
    if not gained:
        return []
    places = await shared_by(database, account, {folder.owner_id for folder in gained}, session)
    return [Place(place.node, ()).as_seen_by(account) for place in _below(gained, places)]


def _below(folders: list[Node], places: list[Place]) -> list[Place]:
    ids = {folder.id for folder in folders}
    return [place for place in places if not ids.isdisjoint(place.ancestor_ids)]


async def _count_up(database: Database, numbers: dict[str, int], session: Session) -> dict[str, int]:
    """Take so many numbers from the counter of each account; returns the last one taken of each."""
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
    """The same in a few round trips for any number of accounts: most take the same number."""
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
