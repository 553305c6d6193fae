"""What others share with the account, as far as syncing it differs from syncing its own. Standard library only.

It appears in one folder, each thing that was shared in it under its name. What the account may not do there is undone
here: what is missing comes back; new things where nothing may be added are left alone; an edit of what may only be
read gives way to the server's content, as a file of the account's own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeVar

from docstore_sync.model import Action, Do, Kind, LocalEntry, Plan, RemoteEntry, SyncedEntry

E = TypeVar("E", RemoteEntry, SyncedEntry)

SHARED_ID = "shared"
SHARED_NAME = "Shared with me"
EDITOR, OWNER = "editor", "owner"
ONLY_READ = "nothing may be added where it is"


def place_shares(entries: Iterable[RemoteEntry], root_id: str) -> list[RemoteEntry]:
    """The account's tree with the folder of shares in it. What was shared itself comes without a folder it is in."""
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
class Restrained:
    """Two trees without what the account may not do. `area`: where shares are on the disk, empty if there are none.

    `giving_way`: files whose content is to be kept elsewhere before the server's takes its place.
    """

    local: Mapping[str, LocalEntry]
    synced: list[SyncedEntry]
    area: str = ""
    giving_way: list[str] = field(default_factory=list)
    writable: frozenset[str] = frozenset()
    """Ids of folders of others that something may be added to."""

    def check(self, made: Plan) -> Plan:
        """The plan without the folders that stay only for what is left alone in them."""
        made.giving_way = self.giving_way
        if self.area:
            made.structure_there = [step for step in made.structure_there if not self._is_forbidden(step)]
        return made

    def _is_forbidden(self, step: Action) -> bool:
        if step.do is not Do.MAKE_THERE or step.parent is None:
            return False
        above = list(step.parent.chain("goal"))
        is_inside = any(SHARED_ID in (node.remote_id, node.synced_id) for node in above)
        nearest = next((node.remote_id for node in above if node.remote_id), "")
        return is_inside and nearest not in self.writable


def restrain(
    local: Mapping[str, LocalEntry],
    remote: Iterable[RemoteEntry],
    synced: Iterable[SyncedEntry],
    permissions: Mapping[str, str],
) -> Restrained:
    """`remote` as `place_shares` gives it; `permissions` of everything in it, by id."""
    remote, synced = list(remote), list(synced)
    names = [row.name for row in synced if row.id == SHARED_ID] + [e.name for e in remote if e.id == SHARED_ID]
    if not names:
        return Restrained(local, synced)
    return _Restraint(local, remote, synced, permissions, names[0]).run()


class _Restraint:
    def __init__(
        self,
        local: Mapping[str, LocalEntry],
        remote: list[RemoteEntry],
        synced: list[SyncedEntry],
        permissions: Mapping[str, str],
        area: str,
    ) -> None:
        self._local = local
        self._synced = synced
        self._permissions = permissions
        self._area = area
        self._there = _paths(remote, area)
        self._before = _paths(synced, area)
        self._places = {entry.id: path for path, entry in self._there.items()}
        self._here = {path: entry for path, entry in local.items() if path == area or path.startswith(area + "/")}
        self._by_identity = {entry.identity: path for path, entry in self._here.items() if entry.identity}

    def run(self) -> Restrained:
        back = {row.id for path, row in self._before.items() if self._comes_back(path, row)}
        giving_way = [path for path, entry in self._here.items() if self._gives_way(path, entry)]
        aside = dict.fromkeys(giving_way, ONLY_READ)
        for path in sorted(self._here):
            if path != self._area and not self._is_known(path) and not self._may_add(path):
                aside[path] = ONLY_READ
        left: dict[str, LocalEntry] = {}
        for path, entry in self._local.items():
            if path in aside:
                left[path] = LocalEntry(Kind.OTHER, trouble=aside[path])
            elif path not in self._here or not any(above in aside for above in _above(path)):
                left[path] = entry
        back |= {row.id for row in self._synced if self._went_aside(row, aside)}
        synced = [row for row in self._synced if row.id not in back]
        writable = frozenset(entry.id for path, entry in self._there.items() if self._may_write(path))
        return Restrained(left, synced, self._area, giving_way, writable)

    def _went_aside(self, row: SyncedEntry, aside: Mapping[str, str]) -> bool:
        """It was moved to where it stays on this device only: at the server it is still needed where it was."""
        path = self._by_identity.get(row.identity, "")
        return path in aside or any(above in aside for above in _above(path))

    def _may_write(self, path: str) -> bool:
        """Whether what is at a path at the server may be changed, or a folder have something added."""
        entry = self._there.get(path)
        return entry is not None and self._permissions.get(entry.id) in (EDITOR, OWNER)

    def _may_add(self, path: str) -> bool:
        """By the nearest folder above it that the server has."""
        above = next((above for above in _above(path) if above in self._there), "")
        return self._may_write(above)

    def _is_known(self, path: str) -> bool:
        mine, row, there = self._here[path], self._before.get(path), self._there.get(path)
        return any(other is not None and other.kind is mine.kind for other in (row, there)) or mine.kind is Kind.OTHER

    def _comes_back(self, path: str, row: SyncedEntry) -> bool:
        """It is not where it was, and that is not for the account to say."""
        mine, place = self._local.get(path), self._places.get(row.id)
        if place is None or (mine is not None and mine.kind is row.kind):
            return False
        moved = self._by_identity.get(row.identity, "")
        is_within = moved.split("/")[:2] == path.split("/")[:2]
        return not (moved and is_within and self._may_add(moved) and self._may_add(place))

    def _gives_way(self, path: str, mine: LocalEntry) -> bool:
        if mine.kind is not Kind.FILE or not mine.sha256:
            return False
        row, there = self._before.get(path), self._there.get(path)
        if row is not None and row.kind is Kind.FILE:
            if mine.sha256 == row.sha256:
                return False
            place = self._places.get(row.id)
            if place is None:
                return not self._may_add(path)
            there = self._there[place]
            is_conflict = there.sha256 != row.sha256
        elif there is not None and there.kind is Kind.FILE:
            place, is_conflict = path, True
        else:
            return False
        if there.sha256 == mine.sha256:
            return False
        return not self._may_write(place) or (is_conflict and not self._may_add(place))


def _above(path: str) -> list[str]:
    """The folders above it, from the nearest up."""
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(len(names) - 1, 0, -1)]


def _paths(entries: Iterable[E], area: str) -> dict[str, E]:
    inside: defaultdict[str, list[E]] = defaultdict(list)
    found: dict[str, E] = {}
    for entry in entries:
        inside[entry.parent_id].append(entry)
        if entry.id == SHARED_ID:
            found[area] = entry
    waiting = [(SHARED_ID, area)]
    while waiting:
        folder, path = waiting.pop()
        for entry in inside.pop(folder, ()):
            found[f"{path}/{entry.name}"] = entry
            waiting.append((entry.id, f"{path}/{entry.name}"))
    return found
