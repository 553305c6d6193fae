"""Removes unchanged nodes from the three trees, so that the cost of planning depends on the number of changes.

A node is unchanged if both sides have it where it was synced, with the same content, in unchanged folders. Unchanged
nodes are kept if a changed node may affect them: parent folders, nodes with the same name as a changed node, and names
that the planner generates. Standard library only.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from docstore_sync.model import Kind, LocalEntry, RemoteEntry, SyncedEntry
from docstore_sync.names import is_generated


@dataclass(slots=True)
class PrunedTrees:
    """The three trees without unchanged nodes, and the number of files removed."""

    local: Mapping[str, LocalEntry]
    remote: list[RemoteEntry]
    synced: list[SyncedEntry]
    unchanged_files: int


def prune_unchanged(
    local: Mapping[str, LocalEntry],
    remote: Iterable[RemoteEntry],
    synced: Iterable[SyncedEntry],
    *,
    root_id: str,
    key: Callable[[str], str],
    outside: Callable[[str, bool], bool] = lambda _path, _is_folder: False,
) -> PrunedTrees:
    """Remove unchanged nodes. `local` by path, as in `a/b`; `key` normalizes a name as the disk does.

    What is `outside` of the selected folders is kept: it must be removed from the disk.
    """
    there = {entry.id: entry for entry in remote}
    before = {row.id: row for row in synced}
    paths = _unchanged(local, there, before, root_id, outside)
    ids = {path: each for each, path in paths.items()}
    open_here = [path for path in local if path not in ids]
    open_there = [entry for entry in there.values() if entry.id not in paths]
    open_before = [row for row in before.values() if row.id not in paths]
    elsewhere: list[RemoteEntry | SyncedEntry] = [*open_there, *open_before]
    names = {key(path.rpartition("/")[2]) for path in open_here} | {key(entry.name) for entry in elsewhere}
    kept: set[str] = set()

    def keep(node_id: str) -> None:
        """Keep the node and its ancestors, if they are unchanged."""
        while node_id != root_id and node_id not in kept:
            entry = before[node_id] if node_id in paths else there.get(node_id) or before.get(node_id)
            if entry is None:
                return
            kept.add(node_id)
            node_id = entry.parent_id

    if names:
        for node_id in paths:
            name = key(before[node_id].name)
            if name in names or is_generated(name):
                keep(node_id)
    for path in open_here:
        above = path.rpartition("/")[0]
        while above and above not in ids:
            above = above.rpartition("/")[0]
        if above:
            keep(ids[above])
    for each in elsewhere:
        keep(each.parent_id)
    left_out = paths.keys() - kept
    return PrunedTrees(
        {path: entry for path, entry in local.items() if ids.get(path) not in left_out},
        [entry for entry in there.values() if entry.id not in left_out],
        [row for row in before.values() if row.id not in left_out],
        sum(1 for each in left_out if before[each].kind is Kind.FILE),
    )


def _unchanged(
    local: Mapping[str, LocalEntry],
    there: Mapping[str, RemoteEntry],
    before: Mapping[str, SyncedEntry],
    root_id: str,
    outside: Callable[[str, bool], bool],
) -> dict[str, str]:
    """Paths of unchanged nodes by id."""
    inside: defaultdict[str, list[SyncedEntry]] = defaultdict(list)
    for row in before.values():
        inside[row.parent_id].append(row)
    found: dict[str, str] = {}
    waiting = [(root_id, "")]
    while waiting:
        folder, prefix = waiting.pop()
        for row in inside.get(folder, ()):
            entry, path = there.get(row.id), prefix + row.name
            mine = local.get(path)
            if (
                entry is not None
                and mine is not None
                and entry.parent_id == folder
                and entry.name == row.name
                and entry.kind is row.kind is mine.kind
                and entry.sha256 == row.sha256 == mine.sha256
                and mine.identity == row.identity
                and not mine.trouble
                and row.id not in found
                and not outside(path, row.kind is Kind.FOLDER)
            ):
                found[row.id] = path
                if row.kind is Kind.FOLDER:
                    waiting.append((row.id, path + "/"))
    return found
