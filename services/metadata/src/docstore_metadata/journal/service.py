"""The change feed: pages of the journal from a cursor on."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_metadata.journal.repository import Entry, Journal
from docstore_platform.errors import DomainError, Gone, invalid
from docstore_platform.http.paging import change_cursor, decode_cursor

LATEST = "latest"
"""The cursor behind the last change, for clients that need only future ones."""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A page of changes as JSON, and where the next one begins."""

    body: bytes
    cursor: str


def expired() -> DomainError:
    return Gone(
        "Changes from there on are no longer kept: read GET /v1/snapshot and go on from its changes_cursor.",
        code="cursor_expired",
        snapshot="/v1/snapshot",
    )


class ChangeFeed:
    """Pages of changes as JSON, and cursors."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def epoch(self, account_id: str) -> str:
        """Changes with each restore from a backup, which may have undone what clients know; empty before."""
        return await self._journal.epoch(account_id)

    async def latest(self, account_id: str) -> str:
        return (await self.heads([account_id]))[account_id]

    async def heads(self, account_ids: Sequence[str]) -> dict[str, str]:
        """The cursor behind each account's last entry."""
        known = await self._journal.heads(account_ids)
        return {account: change_cursor(account, known.get(account, 0)) for account in account_ids}

    async def page(self, account_id: str, cursor: str | None, limit: int) -> ChangePage:
        """Up to `limit` changes after `cursor`; 410 if some of them are deleted, 422 for an invalid cursor.

        The numbers have no gap, so that missing entries are detected.
        """
        head = (await self._journal.heads([account_id])).get(account_id, 0)
        after = head if cursor == LATEST else _sequence(account_id, cursor)
        entries = await self._journal.entries(account_id, after, head, limit) if after < head else []
        last = _last_of(entries, after)
        if after > head or (after < head and last == after):
            raise expired()
        next_cursor = change_cursor(account_id, last)
        body = page_json([_change(entry) for entry in entries], next_cursor, has_more=last < head)
        return ChangePage(body, next_cursor)


def page_json(changes: Sequence[bytes], cursor: str, *, has_more: bool) -> bytes:
    more = b"true" if has_more else b"false"
    return b'{"changes":[%b],"cursor":"%b","has_more":%b}' % (b",".join(changes), cursor.encode(), more)


def _last_of(entries: Sequence[Entry], after: int) -> int:
    """The number of the last of them; 410 if their numbers are not consecutive from `after` on."""
    if not entries:
        return after
    last = entries[-1].sequence
    if last != after + len(entries):
        raise expired()
    return last


def _change(entry: Entry) -> bytes:
    return b'{"seq":%d,"type":"%b","file":%b}' % (entry.sequence, entry.change.encode(), _with_metadata(entry.file))


def _with_metadata(file: bytes) -> bytes:
    """The JSON of a file with custom metadata, which entries of earlier releases do not have."""
    return file if b',"metadata":{' in file else file[:-1] + b',"metadata":{}}'


def _sequence(account_id: str, cursor: str | None) -> int:
    if cursor is None:
        return 0
    owner, sequence = decode_cursor(cursor, str, int)
    if owner != account_id or not 0 <= sequence < 1 << 53:
        raise invalid("The cursor is not one of yours.", "invalid_cursor")
    return int(sequence)
