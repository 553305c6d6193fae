"""Where a write goes: the path or file that is asked for, and what is there now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from docstore_metadata.access import Action, authorize
from docstore_metadata.announcing import Announcer
from docstore_metadata.domain import Node, OnConflict, Place, Version
from docstore_metadata.errors import NameTaken, NotAFile, NotAFolder, Refusal
from docstore_metadata.paths import Parts, join_path, prefixes, split_path
from docstore_metadata.storage import Store
from docstore_metadata.tree import Found, Tree, place_at
from docstore_platform.ids import new_id
from docstore_platform.mongo import Session, UpdateOne


class Asked(Protocol):
    """A write to a path or to a file, by one account; exactly one of path and file_id is given."""

    @property
    def account_id(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def file_id(self) -> str | None: ...
    @property
    def base_version(self) -> int | None: ...
    @property
    def on_conflict(self) -> OnConflict: ...


@dataclass(slots=True)
class Target:
    """`current` is the file there, None if there is none; `found` what is on the way to it."""

    owner_id: str
    parts: Parts
    current: Place | None
    found: Found


async def resolve(tree: Tree, asked: Sequence[Asked], session: Session = None) -> list[Target | Refusal]:
    """The target of each, or why it may not be written to. All are asked by one account."""
    account_id = asked[0].account_id
    paths = [_split(ask.path) for ask in asked]
    found: Found = {}
    if any(isinstance(parts, tuple) for parts in paths):
        found = await tree.walk(account_id, [parts for parts in paths if isinstance(parts, tuple)], session)
    file_ids = [ask.file_id for ask in asked if ask.path is None and ask.file_id]
    places = await tree.places(file_ids, session) if file_ids else {}
    targets: list[Target | Refusal] = []
    for ask, parts in zip(asked, paths, strict=True):
        try:
            if isinstance(parts, Refusal):
                targets.append(parts)
            elif parts is not None:
                targets.append(_by_path(account_id, parts, found))
            else:
                targets.append(_by_id(account_id, places.get(ask.file_id or "")))
        except Refusal as refusal:
            targets.append(refusal)
    return targets


def _split(path: str | None) -> Parts | Refusal | None:
    try:
        return None if path is None else split_path(path)
    except Refusal as refusal:
        return refusal


def _by_path(account_id: str, parts: Parts, found: Found) -> Target:
    refuse_file_in_way(found, parts)
    current = place_at(found, parts)
    if current is not None and current.node.is_folder:
        raise NameTaken(f"{join_path(parts)} is a folder.")
    return Target(account_id, parts, current, found)


def _by_id(account_id: str, place: Place | None) -> Target:
    place = authorize(account_id, place, Action.WRITE)
    if place.node.is_folder:
        raise NotAFile("A folder has no content.")
    parts = place.parts
    chain = (*place.ancestors, place.node)
    return Target(place.node.owner_id, parts, place, {parts[:depth]: node for depth, node in enumerate(chain)})


def refuse_file_in_way(found: Found, parts: Parts) -> None:
    """NotAFolder if the path runs through a file."""
    for above in prefixes(parts):
        node = found.get(above)
        if node is not None and not node.is_folder:
            raise NotAFolder(f"{join_path(above)} is a file.")


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
