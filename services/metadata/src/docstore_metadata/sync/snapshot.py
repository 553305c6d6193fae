"""The snapshot: every file and folder an account can see, for a client that has no cursor or an expired one.

First what is its own, in the order of ids; then each tree that was shared with it, folder by folder in the order of
their ids: what moves while the pages are read keeps its place in that order. The cursor of a page carries the place in
the journal from before the first page: whatever changes in the meantime is found there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.sync.repository import SyncTree
from docstore_metadata.tree.list_query import moment_of, position_of
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.presentation import Json, place_json
from docstore_metadata.tree.rules import Node, Place, place_among
from docstore_platform.errors import invalid
from docstore_platform.paging import decode_cursor, encode_cursor

OWN = ""
BEHIND = "~"
"""Put behind an id: greater than it, less than any other id that is greater."""
FOLDERS_AT_ONCE = 500
MAX_STEPS = 32


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended."""

    changes_cursor: str
    root: str = OWN
    """What was shared with the account and is being read; OWN while its own nodes are."""
    folder: str = ""
    """The folder in it that is being read; empty: all of them still."""
    millis: int = 0
    """When the last child was created."""
    node: str = ""
    """The last node."""


class Snapshots:
    """Reads pages of snapshots. They are not kept: a cursor is all that is known of one."""

    def __init__(self, sync_tree: SyncTree, tree: Tree, changes: ChangeFeed) -> None:
        self._sync_tree = sync_tree
        self._tree = tree
        self._changes = changes

    async def page(self, account_id: str, cursor: str | None, limit: int) -> Json:
        """A page may have fewer items than `limit`, even none, and not be the last: that one has no next."""
        start = _decode(account_id, cursor) if cursor else Position(await self._changes.latest(account_id))
        at: Position | None = start
        places: list[Place] = []
        for _ in range(MAX_STEPS):
            if at is None or len(places) == limit:
                break
            found, at = await self._step(account_id, at, limit - len(places))
            places += found
        return {
            "items": [place_json(place, account_id) for place in places],
            "next_cursor": _encode(account_id, at) if at else None,
            "changes_cursor": start.changes_cursor,
            "epoch": await self._changes.epoch(account_id),
        }

    async def _step(self, account_id: str, at: Position, limit: int) -> tuple[Sequence[Place], Position | None]:
        if at.root == OWN:
            return await self._own(account_id, at, limit)
        root = await self._sync_tree.next_shared_root(account_id, at.root)
        if root is None:
            return [], None
        if root.node.id != at.root:
            return [root], Position(at.changes_cursor, root.node.id)
        return await self._shared(root, at, limit)

    async def _own(self, account_id: str, at: Position, limit: int) -> tuple[Sequence[Place], Position]:
        nodes = await self._sync_tree.own(account_id, at.node, limit)
        shown = {node.id: node for node in nodes if node.live and not node.is_root}
        places = await self._tree.places(shown, known=shown)
        found = [place for node_id in shown if (place := places[node_id]).is_reachable]
        if len(nodes) < limit:
            return found, Position(at.changes_cursor, root="0")
        return found, replace(at, node=nodes[-1].id)

    async def _shared(self, root: Place, at: Position, limit: int) -> tuple[Sequence[Place], Position]:
        """What is in some folders of a shared tree, from where the last page ended."""
        folders = await self._folders(root.node)
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

    async def _folders(self, root: Node) -> dict[str, Node]:
        """The folders of a tree by id, its root included: one query a level, by an index of folders."""
        folders = {root.id: root} if root.is_folder else {}
        level = list(folders)
        while level:
            found = [node for node in await self._sync_tree.subfolders(level) if node.id not in folders]
            folders |= {node.id: node for node in found}
            level = [node.id for node in found]
        return folders

    async def _children(self, folder_ids: Sequence[str], at: Position, limit: int) -> list[Node]:
        begun = folder_ids[0] == at.folder and at.node
        return await self._sync_tree.children_in_order(
            folder_ids, (moment_of(at.millis), at.node) if begun else None, limit
        )


def _encode(account_id: str, at: Position) -> str:
    return encode_cursor(account_id, at.changes_cursor, at.root, at.folder, at.millis, at.node)


def _decode(account_id: str, cursor: str) -> Position:
    owner, *position = decode_cursor(cursor, str, str, str, str, int, str)
    if owner != account_id:
        raise invalid("The cursor is not one of yours.", "invalid_cursor")
    return Position(*position)
