"""Targets of writes, on fakes: what they lead to, and how often the tree is read for them."""

import asyncio
from collections.abc import Iterable, Sequence, Set
from typing import Literal, cast

from hypothesis import given
from hypothesis import strategies as st
from metadata_fakes import NOW, FakeNodes

from docstore_metadata.commits.rules import UploadIntent
from docstore_metadata.commits.targets import Target, resolve
from docstore_metadata.errors import NotFound
from docstore_metadata.tree.documents import root_node
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.paths import Parts, join_path
from docstore_metadata.tree.repository import Nodes
from docstore_metadata.tree.rules import Kind, Node
from docstore_platform.errors import DomainError
from docstore_platform.mongodb.session import Session

ME = "ann"
Change = tuple[Literal["add"], Parts, Kind] | tuple[Literal["rename", "trash"], int, str]
Writes = Sequence[tuple[int, Parts]]
"""A folder's number, and a path below it."""
Seen = type[DomainError] | tuple[Parts, str, str | None, list[str]]


class CountingNodes(FakeNodes):
    """The tree of one account, and how many queries it was asked."""

    queries = 0

    def __init__(self) -> None:
        super().__init__()
        self.by_id[ME] = root_node(ME, NOW)

    async def by_ids(
        self, ids: Iterable[str], session: Session = None, *, names: Set[tuple[str, str]] = frozenset()
    ) -> list[Node]:
        self.queries += 1
        requested = set(ids)
        return [*self._chosen(lambda node: node.id in requested), *await super().by_names(names)]

    async def by_names(self, names: Iterable[tuple[str, str]], session: Session = None) -> list[Node]:
        self.queries += 1
        return await super().by_names(names)

    def child(self, parent_id: str, name: str) -> Node | None:
        children = (node for node in self.by_id.values() if (node.parent_id, node.name) == (parent_id, name))
        return next((node for node in children if node.live), None)

    def add(self, parts: Parts, kind: Kind) -> None:
        """A node, and the folders on the way, unless there is something else."""
        above = self.by_id[ME]
        for depth, name in enumerate(parts, 1):
            node = self.child(above.id, name)
            if node is None:
                node = self._new(above.id, name, kind if depth == len(parts) else "folder")
            if not node.is_folder:
                return
            above = node

    def _new(self, parent_id: str, name: str, kind: Kind) -> Node:
        node = Node(
            id=f"n{len(self.by_id)}", owner_id=ME, parent_id=parent_id, name=name, kind=kind,
            created_at=NOW, modified_at=NOW, modified_by=ME,
        )  # fmt: skip
        self.by_id[node.id] = node
        return node

    def parts(self, node: Node) -> Parts | None:
        """Its path; None if it or a folder above it is in the trash."""
        parts: Parts = ()
        while node.parent_id is not None:
            if not node.live:
                return None
            parts, node = (node.name, *parts), self.by_id[node.parent_id]
        return parts

    def folder(self, number: int) -> Node:
        folders = [node for node in self.by_id.values() if node.is_folder]
        return folders[number % len(folders)]

    def change(self, change: Change) -> None:
        match change:
            case "add", parts, kind:
                self.add(parts, kind)
            case "rename", number, name:
                node = self._node(number)
                if node.parent_id is not None and self.child(node.parent_id, name) is None:
                    node.name = name
            case "trash", number, _:
                node = self._node(number)
                node.live = node.is_root

    def _node(self, number: int) -> Node:
        return list(self.by_id.values())[number % len(self.by_id)]


names = st.sampled_from("ab")
paths = st.lists(names, min_size=1, max_size=3).map(tuple)
numbers = st.integers(0, 20)
changes = st.one_of(
    st.tuples(st.just("add"), paths, st.sampled_from(["file", "folder"])),
    st.tuples(st.just("rename"), numbers, names),
    st.tuples(st.just("trash"), numbers, names),
)
writes = st.lists(st.tuples(numbers, paths), min_size=1, max_size=4)


@given(st.lists(st.tuples(changes, writes), max_size=10))
def test_a_path_below_a_folder_leads_where_the_whole_path_leads(script: Sequence[tuple[Change, Writes]]) -> None:
    """For writes to several folders at once, and whatever other instances have added, renamed or trashed since this
    one has read it; in a folder that is in the trash nothing is found."""
    nodes = CountingNodes()
    tree = Tree(cast("Nodes", nodes))
    for change, writes in script:
        nodes.change(change)
        asked = [(nodes.folder(number), below) for number, below in writes]
        targets = asyncio.run(resolve(tree, [_intent(below, parent_id=folder.id) for folder, below in asked]))
        assert [_seen(target) for target in targets] == [_by_path(nodes, *each) for each in asked]


def _intent(parts: Parts, parent_id: str | None = None) -> UploadIntent:
    return UploadIntent(account_id=ME, path=join_path(parts), parent_id=parent_id)


def _by_path(nodes: CountingNodes, folder: Node, below: Parts) -> Seen:
    """What an instance finds there that has read nothing before."""
    above = nodes.parts(folder)
    if above is None:
        return NotFound
    [target] = asyncio.run(resolve(Tree(cast("Nodes", nodes)), [_intent((*above, *below))]))
    return _seen(target)


def _seen(target: Target | DomainError) -> Seen:
    if isinstance(target, DomainError):
        return type(target)
    way = [target.parts[:depth] for depth in range(len(target.parts) + 1)]
    current = target.current.node.id if target.current else None
    return target.parts, target.seen_path, current, [target.found[parts].id for parts in way if parts in target.found]


def test_a_folder_and_names_in_it_are_read_by_one_query() -> None:
    """Once the folder is known, also if it was known by its id alone; a file by its id too."""
    nodes = CountingNodes()
    nodes.add(("docs", "2026"), "folder")
    nodes.add(("docs", "2026", "old.txt"), "file")
    folder, old = nodes.by_id["n2"], nodes.by_id["n3"]
    tree = Tree(cast("Nodes", nodes))
    asyncio.run(tree.places([folder.id, old.id]))
    for intents in (
        [_intent(("new.txt",), folder.id), _intent(("old.txt",), folder.id)],
        [UploadIntent(account_id=ME, file_id=old.id)],
    ):
        nodes.queries = 0
        targets = asyncio.run(resolve(tree, intents))
        assert all(isinstance(target, Target) for target in targets)
        assert nodes.queries == 1
