"""The account's tree as the change feed tells of it: a snapshot first, then change by change, kept in the state.

What others share with the account is in it, too: what was shared itself is in no folder.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from docstore_client import ApiError, AsyncClient
from docstore_client.models import Change, File
from docstore_sync.model import Kind, RemoteEntry
from docstore_sync.state import RemoteRow, State

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONG_POLL_SECONDS = 50


def row_of(file: File) -> RemoteRow:
    """A file as the API tells of it."""
    kind = Kind(file.kind)
    version = file.version if kind is Kind.FILE else 0
    entry = RemoteEntry(file.id, file.parent_id or "", file.name, kind, file.sha256 or "", version)
    since = (file.client_modified_at or file.modified_at) - EPOCH
    modified_ns = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
    return RemoteRow(entry, file.size, modified_ns, file.permission)


class RemoteTree:
    """Follows the feed; `rows` by id is the tree as of the cursor, and of what this device has done since."""

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
        """Read all changes there are, waiting up to `wait` seconds for one; whether the tree is another then."""
        cursor = self._state.get("cursor")
        if not cursor:
            await self._begin_anew()
            cursor = self._state.get("cursor")
        changed, more = False, True
        while more:
            try:
                page = await self._client.changes(cursor, limit=1000, wait=wait)
            except ApiError as error:
                if error.code != "cursor_expired":
                    raise
                await self._begin_anew()
                return True
            inside = {change.seq: await self._inside(change) for change in page.changes}
            with self._together():
                for change in page.changes:  # in order: an older state may come before what is known already
                    changed = self._apply(change, inside[change.seq]) or changed
                if page.cursor != cursor:
                    self._state.keep("cursor", page.cursor)
            cursor, more, wait = page.cursor, page.has_more, 0
        return changed

    async def _begin_anew(self) -> None:
        """Everything, as it is now; changes made while it is read are in the feed.

        Of a server that was restored from a backup it may be less than what both sides had: nobody has deleted that.
        So what was synced before counts no more, and both sides are joined as if for the first time.
        """
        files: dict[str, RemoteRow] = {}
        cursor: str | None = None
        begin, epoch = "", ""
        while True:
            page = await self._client.snapshot(cursor)
            begin, epoch = begin or page.changes_cursor, page.epoch
            files.update({file.id: row_of(file) for file in page.items})
            cursor = page.next_cursor
            if cursor is None:
                break
        with self._together():
            self._drop([node_id for node_id in self.rows if node_id not in files])
            self._put(files.values())
            self._state.keep("cursor", begin)
            if epoch != self._state.get("epoch"):
                self._state.forget_all()
                self._state.keep("epoch", epoch)

    def _apply(self, change: Change, inside: list[File]) -> bool:
        """Whether it is news: not what this device has done itself."""
        file = change.file
        if file.id == self._account_id:
            return False
        known = self.rows.get(file.id)
        if change.type in ("deleted", "unshared"):
            self._drop(self.below(file.id))
            return known is not None
        row = row_of(file)
        if row == known and not inside:
            return False
        self._put([row, *map(row_of, inside)])
        return known is None or (known.entry, known.permission) != (row.entry, row.permission) or bool(inside)

    async def _inside(self, change: Change) -> list[File]:
        """What is in a folder that has come (back), or may be used otherwise now: its entry stands for all of it."""
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
                continue  # gone again: the feed says so
            found += inside
            waiting += [each.id for each in inside if each.is_folder]
        return found

    # --- the tree ----------------------------------------------------------------------------------------

    def below(self, node_id: str) -> list[str]:
        """A node and all that is in it."""
        found = [node_id]
        for each in found:
            found += self._children.get(each, ())
        return found

    def put(self, row: RemoteRow) -> None:
        """What this device has made there itself: the feed will tell of it as of something known."""
        self.put_all([row])

    def put_all(self, rows: Iterable[RemoteRow]) -> None:
        with self._together():
            self._put(rows)

    def drop(self, node_id: str) -> None:
        with self._together():
            self._drop(self.below(node_id))

    @contextmanager
    def _together(self) -> Iterator[None]:
        """What is changed in the block is kept all at once, or not at all: then it is as it was before."""
        try:
            with self._state.together():
                yield
        except BaseException:
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
