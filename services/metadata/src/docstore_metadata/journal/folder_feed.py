"""The change feed of a folder, for an API token that is limited to it.

Each journal entry names the folders that its node is and was in, so that only those of the folder are read. What is
moved into it is gained, as by a share, and what is moved out is lost: shown as it was in the folder. Numbers count what
is shown, and cursors are encrypted: neither shows how much changes elsewhere.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from docstore_metadata.journal.repository import FolderEntry, Journal
from docstore_metadata.journal.service import LATEST, ChangePage, expired, page_json
from docstore_metadata.tree.access import Action, Reader, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.views.presentation import place_json
from docstore_platform.errors import invalid
from docstore_platform.http.paging import MAX_CURSOR_CHARS
from docstore_platform.security.cipher import Cipher


class Position(NamedTuple):
    """Where a page ended."""

    sequence: int
    """In the account's journal."""
    shown: int
    """Changes of the folder up to there, since the reader began."""


@dataclass(frozen=True, slots=True)
class FolderFeed:
    """Pages of changes in the folder that a reader is limited to. NotFound once the folder is gone."""

    journal: Journal
    tree: Tree
    cipher: Cipher

    async def latest(self, reader: Reader) -> str:
        """The cursor behind the last change."""
        return self._encode(reader, Position(await self._head(reader), 0))

    async def page(self, reader: Reader, cursor: str | None, limit: int) -> ChangePage:
        """Up to `limit` changes after `cursor`; 410 if some of them are deleted, 422 for an invalid cursor."""
        folder = authorize(reader, await self.tree.place(reader.folder_id), Action.READ)
        head = await self._head(reader)
        begin = Position(head, 0) if cursor == LATEST else self._decode(reader, cursor)
        found = await self._entries(folder, begin.sequence, head, limit + 1)
        entries, has_more = found[:limit], len(found) > limit
        changes = [_change(number, entry, folder) for number, entry in enumerate(entries, begin.shown + 1)]
        end = Position(entries[-1].sequence if has_more else head, begin.shown + len(entries))
        next_cursor = self._encode(reader, end)
        return ChangePage(page_json(changes, next_cursor, has_more=has_more), next_cursor)

    async def _head(self, reader: Reader) -> int:
        return (await self.journal.heads([reader.account_id])).get(reader.account_id, 0)

    async def _entries(self, folder: Place, after: int, head: int, limit: int) -> Sequence[FolderEntry]:
        owner_id = folder.node.owner_id
        if after > head:
            raise expired()
        if after == head:
            return []
        if not await self.journal.entries(owner_id, after, after + 1, 1):
            raise expired()
        found = await self.journal.entries_of_folder(owner_id, after, head, folder.node.id, folder.ancestor_ids, limit)
        if any(entry.within is None for entry in found):  # written by an earlier release
            raise expired()
        return found

    def _encode(self, reader: Reader, position: Position) -> str:
        sealed = self.cipher.encrypt(orjson.dumps(list(position)), _owner(reader))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _decode(self, reader: Reader, cursor: str | None) -> Position:
        if cursor is None:
            return Position(0, 0)
        try:
            if len(cursor) > MAX_CURSOR_CHARS:
                raise ValueError
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (ValueError, binascii.Error):
            sealed = b""
        position = self.cipher.decrypt(sealed, _owner(reader)) if sealed else None
        if position is None:
            raise invalid("The cursor is not one of this token's.", "invalid_cursor")
        return Position(*orjson.loads(position))


def _owner(reader: Reader) -> str:
    return f"{reader.account_id}:{reader.folder_id}"


def _change(number: int, entry: FolderEntry, folder: Place) -> bytes:
    """An entry as a reader sees it who is limited to a folder."""
    folder_id, within = folder.node.id, entry.within or []
    change, file = entry.change, entry.file
    if folder_id not in within and entry.before is None:  # of a folder above: only the path of this one has changed
        change, file = "moved", orjson.dumps(place_json(folder, folder.node.owner_id))
    elif entry.before is not None and folder_id not in within:
        change, file = "unshared", _as_before(entry)
    elif entry.before is not None and folder_id not in entry.before["within"]:
        change = "shared"
    return b'{"seq":%d,"type":"%b","file":%b}' % (number, change.encode(), file)


def _as_before(entry: FolderEntry) -> bytes:
    """A file that was moved out of the folder, where it was in it."""
    assert entry.before is not None
    path = entry.before["path"]
    was = {"path": path, "name": path.rpartition("/")[2], "parent_id": entry.before["parent_id"]}
    return orjson.dumps({**orjson.loads(entry.file), **was})
