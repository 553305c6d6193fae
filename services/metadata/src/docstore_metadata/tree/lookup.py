"""Looks nodes up: by id with the folders above, and by path.

Hints in memory lead from ids and names to documents: the last known parent of a node, and the last known id of a name.
A hint only chooses which documents one query reads; their content decides. A wrong hint costs a second read.
"""

from collections.abc import Container, Iterable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType

from docstore_metadata.tree.paths import MAX_DEPTH, Parts
from docstore_metadata.tree.places import Found, Place, existing_place, place_among, place_at
from docstore_metadata.tree.repository import Nodes
from docstore_metadata.tree.rules import Node
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.session import Session

MAX_HINTS = 20_000
MAX_HOPS = 256
FOLDERS_AT_ONCE = 10_000
NONE_KNOWN: Mapping[str, Node] = MappingProxyType({})
NO_NAMES: Set[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Read:
    """What was read a moment ago, in the same session, so that a walk need not read it again."""

    nodes: Mapping[str, Node]
    names: Set[tuple[str, str]]
    """Ids of folders with a name in each: `nodes` has what they contain of that name, if anything."""


NOTHING_READ = Read(NONE_KNOWN, NO_NAMES)


class Tree:
    """Reads places, in one round trip where hints are right."""

    def __init__(self, nodes: Nodes, clock: Clock = utc_now) -> None:
        self._nodes = nodes
        self._clock = clock
        self._parents: dict[str, str] = {}
        self._children: dict[tuple[str, str], str] = {}

    # --- by id -------------------------------------------------------------------------------------------

    async def place(self, node_id: str, session: Session = None) -> Place | None:
        """A node with the folders above it; None if it does not exist."""
        ids = [node_id, *self._hinted_ancestors(node_id)]
        nodes = {node.id: node for node in await self._nodes.by_ids(ids, session)}
        node = nodes.get(node_id)
        if node is None:
            return None
        place = place_among(node, nodes)
        if place is None:
            nodes = {node.id: node for node in await self._nodes.with_ancestors(node_id, session)}
            if node_id not in nodes:
                return None
            place = place_among(nodes[node_id], nodes, complete=True)
            assert place is not None
        self._remember(place)
        return place

    async def places(
        self, node_ids: Iterable[str], session: Session = None, *, known: Mapping[str, Node] = NONE_KNOWN
    ) -> dict[str, Place]:
        """Those of the nodes that exist; one query for each level without hints. `known`: nodes that were just read."""
        wanted = set(node_ids)
        nodes = await self._with_folders_above(wanted, session, known)
        return self._places_among(nodes, wanted)

    async def places_and_children(
        self, node_ids: Iterable[str], names: Set[tuple[str, str]], session: Session = None
    ) -> tuple[dict[str, Place], Read]:
        """The same, and by the same query children of these nodes, each given by its folder's id and its name."""
        wanted = set(node_ids)
        nodes = await self._with_folders_above(wanted, session, names=names)
        return self._places_among(nodes, wanted), Read(nodes, names)

    async def _with_folders_above(
        self,
        wanted: Set[str],
        session: Session,
        known: Mapping[str, Node] = NONE_KNOWN,
        names: Set[tuple[str, str]] = NO_NAMES,
    ) -> dict[str, Node]:
        nodes = dict(known)
        hinted = {above for node_id in wanted for above in self._hinted_ancestors(node_id)}
        missing = (wanted | hinted | {node.parent_id for node in known.values() if node.parent_id}) - nodes.keys()
        asked = set(nodes)
        while missing:
            asked |= missing
            nodes |= {node.id: node for node in await self._nodes.by_ids(missing, session, names=names)}
            missing, names = {node.parent_id for node in nodes.values() if node.parent_id} - asked, NO_NAMES
        return nodes

    def _places_among(self, nodes: Mapping[str, Node], wanted: Set[str]) -> dict[str, Place]:
        found: dict[str, Place] = {}
        for node_id in wanted & nodes.keys():
            place = place_among(nodes[node_id], nodes, complete=True)
            assert place is not None
            self._remember(place)
            found[node_id] = place
        return found

    def _hinted_ancestors(self, node_id: str) -> list[str]:
        above: list[str] = []
        parent = self._parents.get(node_id)
        while parent is not None and len(above) < MAX_HOPS:
            above.append(parent)
            parent = self._parents.get(parent)
        return above

    def _remember(self, place: Place) -> None:
        if len(self._parents) > MAX_HINTS:
            self._parents.clear()
        for node in (place.node, *place.ancestors):
            if node.parent_id is not None:
                self._parents[node.id] = node.parent_id
                if node.is_folder and node.live:
                    self._remember_child(node)

    # --- below -------------------------------------------------------------------------------------------

    async def fits(self, place: Place, session: Session) -> bool:
        """Whether neither a node at this place nor anything below it exceeds the maximum depth. One query a level."""
        room = MAX_DEPTH - len(place.parts)
        level = [place.node.id] if place.node.is_folder else []
        while level and room > 0:
            level = await self._below(level, session, folders_only=True)
            room -= 1
        return room >= 0 and not await self._below(level, session)

    async def folders_from(self, folder_id: str, session: Session) -> list[str]:
        """Ids of a folder and all folders below it, more than FOLDERS_AT_ONCE only if there are more."""
        found = level = [folder_id]
        while level and len(found) <= FOLDERS_AT_ONCE:
            level = await self._below(level, session, folders_only=True)
            found = found + level
        return found

    async def _below(self, folder_ids: list[str], session: Session, *, folders_only: bool = False) -> list[str]:
        """Ids of the children of these folders."""
        found: list[str] = []
        for first in range(0, len(folder_ids), FOLDERS_AT_ONCE):
            some = folder_ids[first : first + FOLDERS_AT_ONCE]
            found += await self._nodes.child_ids(some, folders_only=folders_only, session=session)
        return found

    # --- by path -----------------------------------------------------------------------------------------

    async def walk(self, owner_id: str, paths: Iterable[Parts], session: Session = None) -> Found:
        """Every node on the way to each of `paths`, the last one included. Creates the account's root if needed."""
        return (await self.walk_all({owner_id: paths}, session))[owner_id]

    async def walk_all(
        self, paths: Mapping[str, Iterable[Parts]], session: Session = None, read: Read = NOTHING_READ
    ) -> dict[str, Found]:
        """The same for paths of several owners."""
        wanted: dict[str, set[Parts]] = {
            owner_id: {(), *(parts[:depth] for parts in some for depth in range(len(parts) + 1))}
            for owner_id, some in paths.items()
        }
        hinted = {owner_id: self._hinted(owner_id, some) for owner_id, some in wanted.items()}
        names = {
            (hinted[owner_id][parts[:-1]], parts[-1])
            for owner_id, some in wanted.items()
            for parts in some - hinted[owner_id].keys()
            if parts[:-1] in hinted[owner_id]
        }
        ids = {node_id for some in hinted.values() for node_id in some.values()}
        nodes = [*read.nodes.values(), *await self._not_read(ids, names, session, read)]
        roots = {node.id: node for node in nodes}
        for owner_id in wanted.keys() - roots.keys():
            await self._nodes.make_root(owner_id, self._clock(), session)
            [roots[owner_id]] = await self._nodes.by_ids([owner_id], session)
        by_name = {(node.parent_id, node.name): node for node in nodes if node.live}
        return {
            owner_id: await self._descend(roots[owner_id], sorted(some, key=len), by_name, names | read.names, session)
            for owner_id, some in wanted.items()
        }

    async def _not_read(
        self, ids: Set[str], names: Set[tuple[str, str]], session: Session, read: Read
    ) -> Iterable[Node]:
        ids, names = ids - read.nodes.keys(), names - read.names
        return await self._nodes.by_ids(ids, session, names=names) if ids or names else ()

    async def _descend(
        self,
        root: Node,
        order: list[Parts],
        by_name: Mapping[tuple[str | None, str], Node],
        names: Container[tuple[str, str]],
        session: Session,
    ) -> Found:
        """Find the nodes of one owner, shortest paths first; `by_name` are those that were read already."""
        found: Found = {(): root}
        for parts in order[1:]:
            parent = found.get(parts[:-1])
            node = by_name.get((parent.id, parts[-1])) if parent else None
            if node is not None:
                found[parts] = node
                self._remember_child(node)
        await self._look_up(found, order, names, session)
        return found

    async def at(self, owner_id: str, parts: Parts, session: Session = None) -> Place | None:
        """The place at a path."""
        return place_at(await self.walk(owner_id, [parts], session), parts)

    async def root(self, owner_id: str, session: Session = None) -> Place:
        """An account's root; created if it does not exist."""
        return existing_place(await self.walk(owner_id, [], session), ())

    def _hinted(self, owner_id: str, wanted: Iterable[Parts]) -> dict[Parts, str]:
        hinted: dict[Parts, str] = {(): owner_id}
        for parts in sorted(wanted, key=len):
            if parts and parts[:-1] in hinted:
                node_id = self._children.get((hinted[parts[:-1]], parts[-1]))
                if node_id is not None:
                    hinted[parts] = node_id
        return hinted

    async def _look_up(
        self, found: Found, order: list[Parts], names: Container[tuple[str, str]], session: Session
    ) -> None:
        """Add nodes without hints to `found`, level by level. `names`: those that were read already."""
        absent = {parts for parts in order[1:] if parts[:-1] in found and (found[parts[:-1]].id, parts[-1]) in names}
        while True:
            ask = [
                parts
                for parts in order
                if parts not in found and parts not in absent and parts[:-1] in found and found[parts[:-1]].is_folder
            ]
            if not ask:
                return
            by_key = {(found[parts[:-1]].id, parts[-1]): parts for parts in ask}
            for node in await self._nodes.by_names(by_key, session):
                assert node.parent_id is not None
                found[by_key[node.parent_id, node.name]] = node
                self._remember_child(node)
            absent.update(parts for parts in ask if parts not in found)

    def _remember_child(self, node: Node) -> None:
        assert node.parent_id is not None
        if len(self._children) > MAX_HINTS:
            self._children.clear()
        self._children[node.parent_id, node.name] = node.id
