"""Compares a client's files, by path and checksum, with those in a folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from docstore_contracts.files import File
from docstore_metadata.errors import NotAFolder, TooLarge
from docstore_metadata.sync.repository import SyncTree
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.path_root import find_path_root
from docstore_metadata.tree.paths import MAX_DEPTH
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.repository import Nodes
from docstore_metadata.tree.views.presentation import Json, file_json
from docstore_platform.errors import invalid
from docstore_platform.security.tokens import Principal

MAX_MISSING = 1000
AT_ONCE_CHARS = 1_000_000
MAX_BELOW = 100_000
"""Files and folders below the compared folder: a few fields of each are read."""


class Entry(NamedTuple):
    """A file of the client."""

    path: str
    sha256: str


@dataclass(slots=True)
class Below:
    """Nodes below a folder, by path; a folder has no checksum."""

    ids: dict[str, str]
    checksums: dict[str, str | None]


@dataclass(slots=True)
class Comparer:
    """The cost is proportional to the entries and the nodes below the folder."""

    nodes: Nodes
    sync_tree: SyncTree
    tree: Tree

    async def compare(self, principal: Principal, path: str, parent_id: str | None, entries: Sequence[Entry]) -> Json:
        """`newer`: the content here differs; `missing`: not listed by the client; `deleted`: it existed here once;
        `unknown`: no record of it here; `same`: how many are equal.
        """
        account_id = principal.account_id
        base = await find_path_root(self.tree, principal, parent_id)
        folder = authorize(principal, await base.place(self.tree, path), Action.DOWNLOAD)
        if not folder.node.is_folder:
            raise NotAFolder("Only what is in a folder can be compared.")
        prefix = folder.as_seen_by(account_id).path.rstrip("/") + "/"
        listed = {entry.path: entry.sha256 for entry in entries}
        if not all(entry.startswith(prefix) for entry in listed):
            raise invalid(
                f"Every path begins with {prefix}: only what is in that folder is compared.", "path_outside_folder"
            )
        here = await self._below(folder, prefix)
        newer = [path for path, sha256 in listed.items() if path in here.ids and here.checksums[path] != sha256]
        missing = [path for path, sha256 in here.checksums.items() if sha256 is not None and path not in listed]
        absent = [path for path in listed if path not in here.ids]
        deleted = await self._deleted(account_id, absent)
        shown = await self._shown(account_id, here, [*newer, *missing[:MAX_MISSING]])
        return {
            "newer": [shown[path] for path in newer if path in shown],
            "missing": [shown[path] for path in missing[:MAX_MISSING] if path in shown],
            "missing_truncated": len(missing) > MAX_MISSING,
            "unknown": [path for path in absent if path not in deleted],
            "deleted": [path for path in absent if path in deleted],
            "same": len(listed) - len(newer) - len(absent),
        }

    async def _below(self, folder: Place, prefix: str) -> Below:
        """Read level by level, without full nodes: most are equal to the client's."""
        below = Below({}, {})
        level = {folder.node.id: prefix}
        while level:
            room = MAX_BELOW - len(below.ids) + 1
            children = await self.sync_tree.children(level, room)
            if len(children) == room:
                raise TooLarge(f"There are more than {MAX_BELOW} files and folders: compare the folders in it.")
            folders: dict[str, str] = {}
            for child in children:
                path = level[child.parent_id] + child.name
                below.ids[path] = child.id
                below.checksums[path] = child.sha256
                if child.is_folder:
                    folders[child.id] = path + "/"
            level = folders
        return below

    async def _shown(self, account_id: str, here: Below, paths: Sequence[str]) -> Mapping[str, File]:
        nodes = {node.id: node for node in await self.nodes.by_ids(here.ids[path] for path in paths)}
        places = await self.tree.places({node.parent_id for node in nodes.values() if node.parent_id})
        shown: dict[str, File] = {}
        for path in paths:
            node = nodes.get(here.ids[path])
            parent = places.get(node.parent_id or "") if node else None
            if node is not None and parent is not None and parent.permission_of(account_id):
                shown[path] = file_json(parent.child(node).as_seen_by(account_id))
        return shown

    async def _deleted(self, account_id: str, paths: Sequence[str]) -> set[str]:
        """Those of `paths` that are in the journal or the trash of the account."""
        if not paths:
            return set()
        known = await self.sync_tree.in_journal(account_id, paths)
        return known | await self._in_trash(account_id, [path for path in paths if path not in known])

    async def _in_trash(self, account_id: str, paths: Sequence[str]) -> set[str]:
        """Those that are in the trash, or in a folder that is."""
        found: set[str] = set()
        for some in _few_at_once([path for path in paths if path.count("/") <= MAX_DEPTH]):
            found |= await self._some_in_trash(account_id, some)
        return found

    async def _some_in_trash(self, account_id: str, paths: Sequence[str]) -> set[str]:
        """Search level by level down the folders of the trash."""
        wanted: dict[str, list[str]] = {}
        for path in paths:
            for end in _ends(path):
                wanted.setdefault(path[:end], []).append(path)
        search = _Search()
        for node_id, above in await self.sync_tree.in_trash(account_id, wanted):
            for path in wanted[above]:
                search.reach(node_id, path, len(above))
        while search.next:
            level, search.next = search.next, {}
            for node_id, parent_id, name in await self.sync_tree.named(level):
                for path, depth in level[parent_id, name]:
                    search.reach(node_id, path, depth)
        return search.found


@dataclass(slots=True)
class _Search:
    """Paths that are followed down from folders in the trash."""

    found: set[str] = field(default_factory=set)
    next: dict[tuple[str, str], list[tuple[str, int]]] = field(default_factory=dict)
    """By folder and name in it: the paths, and how many characters of each lead to that name."""

    def reach(self, node_id: str, path: str, end: int) -> None:
        """Record that the first `end` characters of a path lead to a node."""
        if end == len(path):
            self.found.add(path)
            return
        name = path[end + 1 :].partition("/")[0]
        self.next.setdefault((node_id, name), []).append((path, end + 1 + len(name)))


def _few_at_once(paths: Sequence[str]) -> Iterator[list[str]]:
    """The paths in batches that, with all their folders, have no more characters than fit in a query."""
    batch: list[str] = []
    room = AT_ONCE_CHARS
    for path in paths:
        needed = sum(_ends(path))
        if batch and needed > room:
            yield batch
            batch, room = [], AT_ONCE_CHARS
        batch.append(path)
        room -= needed
    if batch:
        yield batch


def _ends(path: str) -> Iterator[int]:
    """Where each folder of a path ends in it, and the path itself."""
    yield from (position for position, char in enumerate(path) if char == "/" and position)
    yield len(path)
