"""Where a write goes: the path or file that is asked for, and what is there now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from docstore_metadata.access import Action, authorize, may_write_beside
from docstore_metadata.announcing import Announcer
from docstore_metadata.bases import Base, authorize_path, base_at, own_root
from docstore_metadata.domain import Node, OnConflict, Place, Version
from docstore_metadata.errors import NameTaken, NotAFile, NotAFolder, Refusal
from docstore_metadata.paths import Parts, prefixes, split_path
from docstore_metadata.storage import Store
from docstore_metadata.tree import Found, Tree, place_at
from docstore_platform.ids import new_id
from docstore_platform.mongo import Session, UpdateOne


class Asked(Protocol):
    """A write to a path or to a file, by one account; exactly one of path and file_id is given.

    The path starts from the folder `parent_id`, from the account's root if there is none.
    """

    @property
    def account_id(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def parent_id(self) -> str | None: ...
    @property
    def file_id(self) -> str | None: ...
    @property
    def base_version(self) -> int | None: ...
    @property
    def on_conflict(self) -> OnConflict: ...


@dataclass(slots=True)
class Target:
    """`current` is the file there, None if there is none; `found` what is on the way to it from its owner's root."""

    owner_id: str
    parts: Parts
    seen_path: str
    """As who writes sees it."""
    current: Place | None
    found: Found

    @property
    def entries(self) -> int:
        """How many journals tell of a change to it: its owner's, and that of each who may read it."""
        on_the_way = (self.found.get(self.parts[:depth]) for depth in range(len(self.parts) + 1))
        return 1 + len({account for node in on_the_way if node is not None for account in node.shared_with})

    def on_conflict(self, asked: Asked) -> OnConflict:
        """A conflicted copy is put beside the file: who may write to the file alone is refused instead."""
        alone = self.current is not None and not may_write_beside(asked.account_id, self.current)
        return "fail" if alone else asked.on_conflict


async def resolve(tree: Tree, asked: Sequence[Asked], session: Session = None) -> list[Target | Refusal]:
    """The target of each, or why it may not be written to. All are asked by one account."""
    account_id = asked[0].account_id
    ids = {ask.file_id if ask.path is None else ask.parent_id for ask in asked}
    places = await tree.places([node_id for node_id in ids if node_id], session) if any(ids) else {}
    goals = [_goal(ask, places) for ask in asked]
    by_owner: defaultdict[str, list[Parts]] = defaultdict(list)
    for goal in goals:
        if isinstance(goal, Goal):
            by_owner[goal.base.owner_id].append(goal.parts)
    found = {owner_id: await tree.walk(owner_id, paths, session) for owner_id, paths in by_owner.items()}
    targets: list[Target | Refusal] = []
    for ask, goal in zip(asked, goals, strict=True):
        try:
            if isinstance(goal, Refusal):
                targets.append(goal)
            elif goal is not None:
                targets.append(_by_path(goal, found[goal.base.owner_id]))
            else:
                targets.append(_by_id(account_id, places.get(ask.file_id or "")))
        except Refusal as refusal:
            targets.append(refusal)
    return targets


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a path leads: from its owner's root, and as who writes sees it."""

    base: Base
    parts: Parts
    seen_path: str


def _goal(ask: Asked, places: Mapping[str, Place]) -> Goal | Refusal | None:
    if ask.path is None:
        return None
    try:
        below = split_path(ask.path)
        own = ask.parent_id is None or ask.parent_id == ask.account_id
        base = own_root(ask.account_id) if own else base_at(ask.account_id, places.get(ask.parent_id or ""))
        return Goal(base, base.full(below), base.seen(below))
    except Refusal as refusal:
        return refusal


def _by_path(goal: Goal, found: Found) -> Target:
    authorize_path(goal.base.account_id, found, goal.parts)
    refuse_file_in_way(found, goal.parts)
    current = place_at(found, goal.parts)
    if current is not None and current.node.is_folder:
        raise NameTaken(f"{goal.seen_path} is a folder.")
    return Target(goal.base.owner_id, goal.parts, goal.seen_path, current, found)


def _by_id(account_id: str, place: Place | None) -> Target:
    place = authorize(account_id, place, Action.WRITE)
    if place.node.is_folder:
        raise NotAFile("A folder has no content.")
    parts, seen_path = place.parts, place.as_seen_by(account_id).path
    chain = (*place.ancestors, place.node)
    found = {parts[:depth]: node for depth, node in enumerate(chain)}
    return Target(place.node.owner_id, parts, seen_path, place, found)


def refuse_file_in_way(found: Found, parts: Parts) -> None:
    """NotAFolder if the path runs through a file."""
    for above in prefixes(parts):
        node = found.get(above)
        if node is not None and not node.is_folder:
            raise NotAFolder(f"{above[-1]} is a file.")


@dataclass(slots=True)
class Changes:
    """What one transaction will write to the tree."""

    now: datetime
    actor_id: str
    device: str
    new_nodes: list[Node] = field(default_factory=list)
    updates: list[UpdateOne] = field(default_factory=list)
    new_versions: list[Version] = field(default_factory=list)
    pruned: list[Version] = field(default_factory=list)
    touched_folders: set[str] = field(default_factory=set)

    def make_folder(self, owner_id: str, parts: Parts, found: Found, announcer: Announcer) -> Place:
        """The folder at `parts`, made with those above it if need be and noted in `found`."""
        for depth in range(1, len(parts) + 1):
            here = parts[:depth]
            if here not in found:
                node = self._folder(owner_id, found[here[:-1]].id, here[-1])
                self.add(node)
                found[here] = node
                place = place_at(found, here)
                assert place is not None
                announcer.created(place)
        place = place_at(found, parts)
        assert place is not None
        return place

    def _folder(self, owner_id: str, parent_id: str, name: str) -> Node:
        return Node(
            id=new_id(),
            owner_id=owner_id,
            parent_id=parent_id,
            name=name,
            kind="folder",
            created_at=self.now,
            modified_at=self.now,
            modified_by=self.actor_id,
            device=self.device,
        )

    def add(self, node: Node) -> None:
        """A new node: a change to the folder it is in."""
        assert node.parent_id is not None
        self.new_nodes.append(node)
        self.touched_folders.add(node.parent_id)

    async def write(self, store: Store, session: Session) -> None:
        """Folders first: if somebody else is changing one, this is found out before anything else is done."""
        await store.bump(self.touched_folders, session)
        await store.insert_nodes(self.new_nodes, session)
        if self.updates:
            await store.nodes.bulk_write(self.updates, session=session)
        if self.new_versions:
            await store.insert_versions(self.new_versions, session)
        await store.remove_versions(self.pruned, self.now, session)
