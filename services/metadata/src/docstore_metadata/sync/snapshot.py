"""The snapshot: every file and folder an account can see, for a client without a cursor or with an expired one.

First the account's own nodes, ordered by id; then each tree shared with it, folder by folder ordered by id: nodes that
move while the pages are read keep their position. Of a tree with very many folders the owner's nodes are read, ordered
by id, and those outside are left out. A reader with a limit gets what is in its folder, in the same way.
The cursor of a page contains the journal cursor from before the first page: changes in the meantime are read from
there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_metadata.journal.folder_feed import FolderFeed
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.paging import moment_of, position_of
from docstore_metadata.sync.repository import SyncTree
from docstore_metadata.tree.access import Action, Reader, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place, place_among
from docstore_metadata.tree.repository import Nodes
from docstore_metadata.tree.rules import Node
from docstore_metadata.tree.views.presentation import Json, place_json
from docstore_platform.errors import invalid
from docstore_platform.http.paging import decode_cursor, encode_cursor

OWN = ""
BEHIND = "~"
"""Suffix of an id: the result is greater than the id, and less than any greater id."""
FOLDERS_AT_ONCE = 500
MAX_FOLDERS = 5000
"""A shared tree with more folders is read by the ids of its owner's nodes: each step would read all its folders."""
MAX_STEPS = 32


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended."""

    changes_cursor: str
    root: str = OWN
    """The shared tree that is being read; OWN for the account's own nodes."""
    folder: str = ""
    """The folder in it that is being read; empty at its start, and where the owner's nodes are read."""
    millis: int = 0
    """Creation time of the last child."""
    node: str = ""
    """The last node."""


@dataclass(slots=True)
class Snapshots:
    """Reads pages of snapshots. Nothing is stored: the cursor contains all state."""

    nodes: Nodes
    sync_tree: SyncTree
    tree: Tree
    changes: ChangeFeed
    of_folders: FolderFeed

    async def page(self, reader: Reader, cursor: str | None, limit: int) -> Json:
        """A page may have fewer items than `limit`, even none, without being the last: that one has no next cursor.

        A later page may repeat items of a shared tree that has outgrown MAX_FOLDERS meanwhile.
        """
        account_id = reader.account_id
        folder = await self._limit_of(reader)
        start = _decode(account_id, cursor) if cursor else await self._start(reader)
        if folder is not None and start.root.removesuffix(BEHIND) != folder.node.id:
            raise invalid("The cursor is not one of this token's.", "invalid_cursor")
        at: Position | None = start
        places: list[Place] = []
        for _ in range(MAX_STEPS):
            if at is None or len(places) == limit:
                break
            found, at = await self._step(account_id, folder, at, limit - len(places))
            places += found
        return {
            "items": [place_json(place, account_id) for place in places],
            "next_cursor": _encode(account_id, at) if at else None,
            "changes_cursor": start.changes_cursor,
            "epoch": _epoch(await self.changes.epoch(account_id), reader),
        }

    async def _limit_of(self, reader: Reader) -> Place | None:
        """The folder that the reader is limited to; NotFound if it is gone."""
        if not reader.folder_id:
            return None
        return authorize(reader, await self.tree.place(reader.folder_id), Action.READ)

    async def _start(self, reader: Reader) -> Position:
        if reader.folder_id:
            return Position(await self.of_folders.latest(reader), root=reader.folder_id)
        return Position(await self.changes.latest(reader.account_id))

    async def _step(
        self, account_id: str, folder: Place | None, at: Position, limit: int
    ) -> tuple[Sequence[Place], Position | None]:
        if folder is not None:
            return await self._shared(folder, at, limit) if at.root == folder.node.id else ([], None)
        if at.root == OWN:
            return await self._own(account_id, at, limit)
        root = await self.sync_tree.next_shared_root(account_id, at.root)
        if root is None:
            return [], None
        if root.node.id != at.root:
            return [root], Position(at.changes_cursor, root.node.id)
        return await self._shared(root, at, limit)

    async def _own(self, account_id: str, at: Position, limit: int) -> tuple[Sequence[Place], Position]:
        found, last_id = await self._reachable(account_id, at.node, limit)
        if last_id is None:
            return found, Position(at.changes_cursor, root="0")
        return found, replace(at, node=last_id)

    async def _reachable(self, owner_id: str, after_id: str, limit: int) -> tuple[Sequence[Place], str | None]:
        """Which of an owner's next `limit` nodes are reachable, and the id of the last one; None: there is no other."""
        nodes = await self.nodes.all_after(after_id, limit, owner_id)
        shown = {node.id: node for node in nodes if node.live}
        places = await self.tree.places(shown, known=shown)
        found = [place for node_id in shown if (place := places[node_id]).is_reachable]
        return found, nodes[-1].id if len(nodes) == limit else None

    async def _shared(self, root: Place, at: Position, limit: int) -> tuple[Sequence[Place], Position]:
        """Some of the contents of a shared tree, from where the last page ended."""
        if at.node and not at.folder:
            return await self._inside(root, at, limit)
        folders = await self._folders(root.node)
        if len(folders) > MAX_FOLDERS:
            return await self._inside(root, Position(at.changes_cursor, root.node.id), limit)
        ids = sorted(folder_id for folder_id in folders if folder_id >= at.folder)[:FOLDERS_AT_ONCE]
        children = await self._children(ids, at, limit) if ids else []
        nodes = folders | {folder.id: folder for folder in root.ancestors}
        found = [place for child in children if (place := place_among(child, nodes, complete=True)) is not None]
        if len(children) == limit:
            last = children[-1]
            assert last.parent_id is not None
            position = position_of(last.created_at)
            return found, Position(at.changes_cursor, root.node.id, last.parent_id, position, last.id)
        if len(ids) == FOLDERS_AT_ONCE:
            return found, Position(at.changes_cursor, root.node.id, ids[-1] + BEHIND)
        return found, Position(at.changes_cursor, root.node.id + BEHIND)

    async def _inside(self, root: Place, at: Position, limit: int) -> tuple[Sequence[Place], Position]:
        """Those of the owner's next `limit` nodes that are in a shared tree."""
        found, last_id = await self._reachable(root.node.owner_id, at.node, limit)
        inside = [place for place in found if root.node.id in place.ancestor_ids]
        if last_id is None:
            return inside, Position(at.changes_cursor, root.node.id + BEHIND)
        return inside, Position(at.changes_cursor, root.node.id, node=last_id)

    async def _folders(self, root: Node) -> dict[str, Node]:
        """The folders of a tree by id, its root included; more than MAX_FOLDERS only if there are more.

        One query a level.
        """
        folders = {root.id: root} if root.is_folder else {}
        level = list(folders)
        while level and len(folders) <= MAX_FOLDERS:
            below = await self.sync_tree.subfolders(level, MAX_FOLDERS + 1)
            found = [node for node in below if node.id not in folders]
            folders |= {node.id: node for node in found}
            level = [node.id for node in found]
        return folders

    async def _children(self, folder_ids: Sequence[str], at: Position, limit: int) -> list[Node]:
        begun = folder_ids[0] == at.folder and at.node
        return await self.sync_tree.children_in_order(
            folder_ids, (moment_of(at.millis), at.node) if begun else None, limit
        )


def _epoch(epoch: str, reader: Reader) -> str:
    """For a reader with a limit hashed: it is a number of the account's journal."""
    return hashlib.sha256(f"{reader.folder_id}:{epoch}".encode()).hexdigest() if reader.folder_id and epoch else epoch


def _encode(account_id: str, at: Position) -> str:
    return encode_cursor(account_id, at.changes_cursor, at.root, at.folder, at.millis, at.node)


def _decode(account_id: str, cursor: str) -> Position:
    owner, *position = decode_cursor(cursor, str, str, str, str, int, str)
    if owner != account_id:
        raise invalid("The cursor is not one of yours.", "invalid_cursor")
    return Position(*position)
