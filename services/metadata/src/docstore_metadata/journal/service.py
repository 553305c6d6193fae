"""The change feed: the journal read page by page, from a cursor on."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_metadata.journal.repository import entry_id
from docstore_metadata.storage import Store
from docstore_platform.mongo import MAJORITY_READS, Collection, Document
from docstore_platform.paging import change_cursor, decode_cursor
from docstore_platform.problems import Problem, invalid

LATEST = "latest"
"""The cursor behind the last change, for who wants to know of none but the next ones."""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A page of changes as JSON, and where the next one begins."""

    body: bytes
    cursor: str


def _expired() -> Problem:
    return Problem(
        410,
        "cursor_expired",
        "Changes from there on are no longer kept: read GET /v1/snapshot and go on from its changes_cursor.",
        snapshot="/v1/snapshot",
    )


class ChangeFeed:
    """Reads only what no election can undo: a number once told is never given to another change."""

    def __init__(self, store: Store) -> None:
        self._entries: Collection = store.journal.with_options(read_concern=MAJORITY_READS)
        self._counters: Collection = store.journals.with_options(read_concern=MAJORITY_READS)

    async def head(self, account_id: str) -> int:
        """The number of the last entry; 0 if there is none."""
        counter = await self._counters.find_one({"_id": account_id})
        return int(counter["seq"]) if counter else 0

    async def epoch(self, account_id: str) -> str:
        """Another one since each restore from a backup, which may have taken back what clients know; empty before."""
        counter = await self._counters.find_one({"_id": account_id}, {"epoch": 1})
        return str(counter.get("epoch", "")) if counter else ""

    async def latest(self, account_id: str) -> str:
        return change_cursor(account_id, await self.head(account_id))

    async def heads(self, account_ids: Sequence[str]) -> dict[str, str]:
        """The cursor behind the last entry, of each account."""
        rows = self._counters.find({"_id": {"$in": list(account_ids)}})
        known = {row["_id"]: int(row["seq"]) async for row in rows}
        return {account: change_cursor(account, known.get(account, 0)) for account in account_ids}

    async def page(self, account_id: str, cursor: str | None, limit: int) -> ChangePage:
        """Up to `limit` changes after `cursor`; 410 if some of them are gone, 422 for a cursor that is none.

        The numbers have no gap, so that what is missing is noticed.
        """
        head = await self.head(account_id)
        after = head if cursor == LATEST else _sequence(account_id, cursor)
        rows: Sequence[Document] = ()
        if after < head:
            beyond = {"_id": {"$gt": entry_id(account_id, after), "$lte": entry_id(account_id, head)}}
            rows = await self._entries.find(beyond, sort=[("_id", 1)], limit=limit).to_list(limit)
        last = _last_of(rows, after)
        if after > head or (after < head and last == after):
            raise _expired()
        next_cursor = change_cursor(account_id, last)
        more = b"true" if last < head else b"false"
        changes = b",".join(_change(after + number, row) for number, row in enumerate(rows, 1))
        body = b'{"changes":[%b],"cursor":"%b","has_more":%b}' % (changes, next_cursor.encode(), more)
        return ChangePage(body, next_cursor)


def _last_of(rows: Sequence[Document], after: int) -> int:
    """The number of the last of `rows`; 410 if they don't follow on `after` one by one."""
    if not rows:
        return after
    last = int(rows[-1]["_id"].rpartition(".")[2])
    if last != after + len(rows):
        raise _expired()
    return last


def _change(sequence: int, row: Document) -> bytes:
    return b'{"seq":%d,"type":"%b","file":%b}' % (sequence, row["type"].encode(), row["file"])


def _sequence(account_id: str, cursor: str | None) -> int:
    if cursor is None:
        return 0
    owner, sequence = decode_cursor(cursor, str, int)
    if owner != account_id or not 0 <= sequence < 1 << 53:
        raise invalid("The cursor is not one of yours.", "invalid_cursor")
    return int(sequence)
