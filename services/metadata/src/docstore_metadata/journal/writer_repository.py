"""Writes journal entries at the end of a transaction, in one sequence without gaps for each account."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from docstore_events.journal import journal_wakeup
from docstore_events.transaction import Transaction
from docstore_metadata.journal.repository import ChangeType, entry_id, path_key, touch_owner_journals
from docstore_metadata.sharing.roots_repository import shared_by, shared_roots_of
from docstore_metadata.tree.presentation import file_json
from docstore_metadata.tree.rules import Node, Place, View
from docstore_platform.clock import utc_now
from docstore_platform.mongo import (
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    ReturnDocument,
    Session,
    conflict,
)


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
