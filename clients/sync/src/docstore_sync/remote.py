"""Local copy of the account's remote tree: a snapshot, then the changes of the feed, stored in the state.

It includes what others share with the account; the root of a share has no parent.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from docstore_client import ApiError, AsyncClient
from docstore_client.models import Change, File
from docstore_sync.model import Kind, RemoteEntry
from docstore_sync.state import RemoteRow, State

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONG_POLL_SECONDS = 50


def row_of(file: File) -> RemoteRow:
    """Convert a file of the API to a row."""
    kind = Kind(file.kind)
    version = file.version if kind is Kind.FILE else 0
    entry = RemoteEntry(file.id, file.parent_id or "", file.name, kind, file.sha256 or "", version)
    since = (file.client_modified_at or file.modified_at) - EPOCH
    modified_ns = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
    can_delete = file.can_delete and file.permission != "owner"
    return RemoteRow(entry, file.size, modified_ns, file.permission, can_delete)


def _can_sync(file: File) -> bool:
    """Whether the account may download it. What is shared with a watermark can only be looked at."""
    return file.is_folder or file.watermark is None


class RemoteTree:
    """Follows the feed. `rows` by id: the tree at the cursor, plus this device's own changes since."""

    def __init__(self, client: AsyncClient, state: State, account_id: str) -> None:
        self._client = client
        self._state = state
        self._account_id = account_id
        self.rows: dict[str, RemoteRow] = {}
        self._children: defaultdict[str, set[str]] = defaultdict(set)
        self._load()

    def _load(self) -> None:
        self.rows = {row.entry.id: row for row in self._state.remote()}
        self._children.clear()
        for row in self.rows.values():
            self._children[row.entry.parent_id].add(row.entry.id)

    async def catch_up(self, wait: int = 0) -> bool:
        """Read all changes, waiting up to `wait` seconds for the first. Return whether the tree changed."""
        cursor = self._state.get("cursor")
        if not cursor:
            await self._start_over()
            cursor = self._state.get("cursor")
        changed, more = False, True
        while more:
            try:
                page = await self._client.changes(cursor, limit=1000, wait=wait)
            except ApiError as error:
                if error.code != "cursor_expired":
                    raise
                await self._start_over()
                return True
            inside = {change.seq: await self._inside(change) for change in page.changes}
            with self._together():
                for change in page.changes:  # in order: an older state may arrive after a newer one
                    changed = self._apply(change, inside[change.seq]) or changed
                if page.cursor != cursor:
                    self._state.set_value("cursor", page.cursor)
            cursor, more, wait = page.cursor, page.has_more, 0
        return changed

    async def _start_over(self) -> None:
        """Load a snapshot; changes made meanwhile are in the feed.

        A server restored from a backup may lack files that both sides had. No user deleted them, so the synced records
        are dropped and both sides are merged as if for the first time.
        """
        files: dict[str, RemoteRow] = {}
        cursor: str | None = None
        begin, epoch = "", ""
        while True:
            page = await self._client.snapshot(cursor)
            begin, epoch = begin or page.changes_cursor, page.epoch
            files.update({file.id: row_of(file) for file in page.items if _can_sync(file)})
            cursor = page.next_cursor
            if cursor is None:
                break
        with self._together():
            self._drop([node_id for node_id in self.rows if node_id not in files])
            self._put(files.values())
            self._state.set_value("cursor", begin)
            if epoch != self._state.get("epoch"):
                self._state.forget_all()
                self._state.set_value("epoch", epoch)

    def _apply(self, change: Change, inside: list[File]) -> bool:
        """Apply a change. Return False if this device made it or it changes nothing."""
        file = change.file
        if file.id == self._account_id:
            return False
        known = self.rows.get(file.id)
        if change.type in ("deleted", "unshared") or not _can_sync(file):
            self._drop(self.below(file.id))
            return known is not None
        row = row_of(file)
        if row == known and not inside:
            return False
        self._drop([each.id for each in inside if not _can_sync(each)])
        self._put([row, *map(row_of, filter(_can_sync, inside))])
        return known is None or replace(known, size=row.size, modified_ns=row.modified_ns) != row or bool(inside)

    async def _inside(self, change: Change) -> list[File]:
        """List a folder that was restored, shared or got another role: the feed has one entry for all of it."""
        file = change.file
        known = change.type not in ("restored", "shared") and (change.type != "moved" or file.id in self.rows)
        if known or not file.is_folder:
            return []
        found: list[File] = []
        waiting = [file.id]
        while waiting:
            try:
                inside = await self._client.list_folder(parent_id=waiting.pop())
            except ApiError as error:
                if error.status != 404:
                    raise
                continue  # deleted meanwhile: a later change reports it
            found += inside
            waiting += [each.id for each in inside if each.is_folder]
        return found

    # --- the tree ----------------------------------------------------------------------------------------

    def below(self, node_id: str) -> list[str]:
        """Ids of a node and its descendants."""
        found = [node_id]
        for each in found:
            found += self._children.get(each, ())
        return found

    def entry(self, node_id: str) -> RemoteEntry | None:
        row = self.rows.get(node_id)
        return row.entry if row else None

    def put(self, row: RemoteRow) -> None:
        """Add an entry that this device created; the feed will report it as known."""
        self.put_all([row])

    def put_all(self, rows: Iterable[RemoteRow]) -> None:
        with self._together():
            self._put(rows)

    def drop(self, node_id: str) -> None:
        with self._together():
            self._drop(self.below(node_id))

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Change rows in memory and in the state, both or neither."""
        try:
            with self._state.transaction():
                yield
        except BaseException:  # whatever failed, memory must equal the state
            self._load()
            raise

    def _put(self, rows: Iterable[RemoteRow]) -> None:
        rows = list(rows)
        for row in rows:
            old = self.rows.get(row.entry.id)
            if old is not None:
                self._children[old.entry.parent_id].discard(row.entry.id)
            self.rows[row.entry.id] = row
            self._children[row.entry.parent_id].add(row.entry.id)
        self._state.put_remote(rows)

    def _drop(self, node_ids: list[str]) -> None:
        for node_id in node_ids:
            row = self.rows.pop(node_id, None)
            if row is not None:
                self._children[row.entry.parent_id].discard(node_id)
        self._state.remove_remote(node_ids)
