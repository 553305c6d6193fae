"""Applies share permissions to syncing. Standard library only.

Shared items appear in one folder, each under its name. Local changes that the account may not make are undone: deleted
items are restored, new items in read-only folders are skipped, and an edit of a read-only file becomes a file of the
account's own while the server's content is restored.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from itertools import count

from docstore_sync.model import Action, ActionType, Kind, LocalEntry, Node, Plan, RemoteEntry, SyncedEntry
from docstore_sync.planning.matching import join
from docstore_sync.planning.pruning import prune_unchanged

SHARED_ID = "shared"
SHARED_NAME = "Shared with me"
EDITOR, OWNER = "editor", "owner"
ONLY_READ = "the folder is read-only"


def place_shares(entries: Iterable[RemoteEntry], root_id: str) -> list[RemoteEntry]:
    """Add the folder of shares to the account's tree and place the shares in it."""
    own: list[RemoteEntry] = []
    roots: list[RemoteEntry] = []
    for entry in entries:
        (own if entry.parent_id else roots).append(entry)
    if not roots:
        return own
    name = _free(SHARED_NAME, {entry.name for entry in own if entry.parent_id == root_id})
    placed = [RemoteEntry(SHARED_ID, root_id, name, Kind.FOLDER)]
    taken: set[str] = set()
    for root in sorted(roots, key=lambda entry: entry.id):
        placed.append(replace(root, parent_id=SHARED_ID, name=_free(root.name, taken)))
        taken.add(placed[-1].name)
    return own + placed


def _free(name: str, taken: set[str]) -> str:
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    numbered = (f"{stem} ({number}){dot}{extension}" for number in count(2))
    return name if name not in taken else next(each for each in numbered if each not in taken)


@dataclass(slots=True)
class RestrictedTrees:
    """Local and synced trees without forbidden changes. `area`: local path of the folder of shares; empty if none.

    `displaced`: files whose content must be moved elsewhere before the server's content is restored.
    """

    local: Mapping[str, LocalEntry]
    synced: list[SyncedEntry]
    area: str = ""
    displaced: list[str] = field(default_factory=list)
    writable: frozenset[str] = frozenset()
    """Ids of shared folders that the account may add to."""

    def check(self, made: Plan) -> Plan:
        """Remove from a plan the folders that would only hold skipped files."""
        made.displaced = self.displaced
        if self.area:
            made.remote_structure = [step for step in made.remote_structure if not self._is_forbidden(step)]
        return made

    def _is_forbidden(self, step: Action) -> bool:
        if step.do is not ActionType.MAKE_REMOTE or step.parent is None:
            return False
        above = list(step.parent.chain("goal"))
        is_inside = any(SHARED_ID in (node.remote_id, node.synced_id) for node in above)
        nearest = next((node.remote_id for node in above if node.remote_id), "")
        return is_inside and nearest not in self.writable


def restrict(
    local: Mapping[str, LocalEntry],
    remote: Iterable[RemoteEntry],
    synced: Iterable[SyncedEntry],
    permissions: Mapping[str, str],
    deletable: Set[str] = frozenset(),
) -> RestrictedTrees:
    """Remove forbidden changes.

    `remote`: result of `place_shares`; `permissions`: of shared nodes, by id; `deletable`: those that the account may
    delete.
    """
    remote, synced = list(remote), list(synced)
    names = [row.name for row in synced if row.id == SHARED_ID] + [e.name for e in remote if e.id == SHARED_ID]
    if not names:
        return RestrictedTrees(local, synced)
    return _Restriction(local, remote, synced, permissions, deletable, names[0]).run()


class _Restriction:
    def __init__(
        self,
        local: Mapping[str, LocalEntry],
        remote: list[RemoteEntry],
        synced: list[SyncedEntry],
        permissions: Mapping[str, str],
        deletable: Set[str],
        area: str,
    ) -> None:
        self._local = local
        self._synced = synced
        self._permissions = permissions
        self._deletable = deletable
        self._area = area
        known = {row.id for row in synced}
        self._places = _paths(remote, area)
        self._were = _paths([*synced, *(entry for entry in remote if entry.id not in known)], area)
        self._there = {self._places[entry.id]: entry for entry in remote if entry.id in self._places}
        self._here = {path: entry for path, entry in local.items() if path == area or path.startswith(area + "/")}
        self._by_identity = {entry.identity: path for path, entry in self._here.items() if entry.identity}
        rows = [row for row in synced if row.id in self._were]
        self._nodes = _open_nodes(self._here, list(self._there.values()), rows)
        self._by_remote_id = {node.remote_id: node for node in self._nodes if node.remote}
        self._back = {node.synced_id for node in self._nodes if self._must_return(node)}

    def run(self) -> RestrictedTrees:
        here = {node.path("local"): node for node in self._nodes if node.local}
        displaced = [path for path, node in here.items() if self._is_displaced(path, node)]
        skipped = dict.fromkeys(displaced, ONLY_READ)
        for path in sorted(here):
            is_unknown = path != self._area and not self._is_known(path, here[path]) and not self._may_add(path)
            if is_unknown or path.rpartition("/")[0] in skipped:
                skipped[path] = ONLY_READ
        left = {path: entry for path, entry in self._local.items() if path not in skipped}
        left |= {path: LocalEntry(Kind.OTHER, trouble=reason) for path, reason in skipped.items()}
        back = self._back | {row.id for row in self._synced if self._moved_to_skipped(row, skipped)}
        synced = [row for row in self._synced if row.id not in back]
        writable = frozenset(entry.id for path, entry in self._there.items() if self._may_write(path))
        return RestrictedTrees(left, synced, self._area, displaced, writable)

    def _moved_to_skipped(self, row: SyncedEntry, skipped: Mapping[str, str]) -> bool:
        """Whether a row's file was moved to a skipped path: the server still needs it at its old one."""
        path = self._by_identity.get(row.identity, "")
        return path in skipped or any(above in skipped for above in _above(path))

    def _may_write(self, path: str) -> bool:
        """Whether the account may change the remote entry at a path, or add to it if it is a folder."""
        entry = self._there.get(path)
        return entry is not None and self._permissions.get(entry.id) in (EDITOR, OWNER)

    def _may_add(self, path: str) -> bool:
        """Whether the account may add to the nearest remote ancestor."""
        above = next((above for above in _above(path) if above in self._there), "")
        return self._may_write(above)

    def _must_return(self, node: Node) -> bool:
        """Whether a node must be restored to its old path because the account may not move or delete it."""
        place = self._places.get(node.synced_id)
        if place is None:
            return False
        if node.local is None:
            return node.synced_id not in self._deletable
        here, before = node.path("local"), self._were[node.synced_id]
        is_within = here.split("/")[:2] == before.split("/")[:2]
        return here != before and not (is_within and self._may_add(here) and self._may_add(place))

    def _is_synced(self, node: Node) -> bool:
        return bool(node.synced_id) and node.synced_id not in self._back

    def _is_known(self, path: str, node: Node) -> bool:
        """Whether a local entry is the one expected at its path, and so not an addition."""
        there = self._there.get(path)
        is_as_there = there is not None and there.kind is node.kind
        is_as_before = self._is_synced(node) and path == self._were[node.synced_id]
        return is_as_there or is_as_before or node.kind is Kind.OTHER

    def _is_displaced(self, path: str, node: Node) -> bool:
        mine = node.local
        if node.kind is not Kind.FILE or not mine or not mine.sha256:
            return False
        if not self._is_synced(node):
            there = self._there.get(path)
            return there is not None and there.kind is Kind.FILE and self._is_in_the_way(path, mine.sha256)
        assert node.synced
        if mine.sha256 == node.synced.sha256:
            return False
        place = self._places.get(node.synced_id)
        if place is None:
            return not self._may_add(path)
        there = self._there[place]
        if there.sha256 == mine.sha256:
            return False
        return not self._may_write(place) or (there.sha256 != node.synced.sha256 and not self._may_add(place))

    def _is_in_the_way(self, path: str, sha256: str) -> bool:
        """Whether new local content occupies the path of a remote file that the account may not replace."""
        there = self._there[path]
        if there.sha256 == sha256 and not self._is_synced(self._by_remote_id[there.id]):
            return False
        return not self._may_add(path) or not self._may_write(path)


def _open_nodes(local: Mapping[str, LocalEntry], remote: list[RemoteEntry], synced: list[SyncedEntry]) -> list[Node]:
    """Nodes of the area that may have changed, matched as the planner does."""
    above: list[RemoteEntry | SyncedEntry] = [*remote, *synced]
    root_id = next(entry.parent_id for entry in above if entry.id == SHARED_ID)
    rest = prune_unchanged(local, remote, synced, root_id=root_id, key=str)
    return join(rest.local, rest.remote, rest.synced, root_id).nodes


def _above(path: str) -> list[str]:
    """Parent folders, nearest first."""
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(len(names) - 1, 0, -1)]


def _paths(entries: Iterable[RemoteEntry | SyncedEntry], area: str) -> dict[str, str]:
    """Paths of the area and its contents by id."""
    inside: defaultdict[str, list[RemoteEntry | SyncedEntry]] = defaultdict(list)
    found: dict[str, str] = {}
    for entry in entries:
        inside[entry.parent_id].append(entry)
        if entry.id == SHARED_ID:
            found[SHARED_ID] = area
    waiting = [(SHARED_ID, area)]
    while waiting:
        folder, path = waiting.pop()
        for entry in inside.pop(folder, ()):
            found[entry.id] = f"{path}/{entry.name}"
            waiting.append((entry.id, found[entry.id]))
    return found
