"""The journal: for each account, in one sequence without gaps, every change to what it may read.

Entries are noted while a transaction works and written at its end, in it: there is no entry without its change and no
change without its entry. Each write takes its numbers from the account's counter, so their order is that of the
commits: of two transactions that count up the same counter, one is tried again after the other.
"""

from collections import defaultdict
from typing import Literal

import orjson

from docstore_events.transaction import Transaction
from docstore_metadata.domain import View
from docstore_metadata.presentation import file_json
from docstore_platform.clock import utc_now
from docstore_platform.mongo import Collection, Database, DuplicateKeyError, ReturnDocument, conflict

ChangeType = Literal["created", "modified", "moved", "deleted", "restored", "shared", "unshared"]
Note = tuple[ChangeType, View]

SEQUENCE_DIGITS = 12


def entry_id(account_id: str, sequence: int) -> str:
    """Ordered as the entries of an account are."""
    return f"{account_id}.{sequence:0{SEQUENCE_DIGITS}d}"


class JournalNotes:
    """What one transaction changes for whom."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._notes: defaultdict[str, list[Note]] = defaultdict(list)

    def add(self, account_id: str, change: ChangeType, view: View) -> None:
        """One entry for one account. It shows the node as the transaction leaves it, with the path of `view`."""
        if not self._notes:
            self._transaction.write_last(self._write)
        self._notes[account_id].append((change, view))

    async def _write(self) -> None:
        session, database, now = self._transaction.session, self._transaction.database, utc_now()
        last = await _count_up(database, {account: len(notes) for account, notes in self._notes.items()}, session)
        entries = [
            {
                "_id": entry_id(account, sequence),
                "t": change,
                "at": now,
                "f": view.node.id,
                "file": orjson.dumps(file_json(view)),
            }
            for account, notes in self._notes.items()
            for sequence, (change, view) in enumerate(notes, last[account] - len(notes) + 1)
        ]
        await database["journal"].insert_many(entries, session=session)


async def _count_up(database: Database, numbers: dict[str, int], session: object) -> dict[str, int]:
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


async def _count_up_many(counters: Collection, numbers: dict[str, int], session: object) -> dict[str, int]:
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
