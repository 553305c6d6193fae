"""Nodes of the tree, in collection `nodes` of MongoDB. The name of a live node is unique in its folder."""

from collections.abc import Container, Iterable, Iterator, Sequence, Set
from datetime import datetime
from itertools import islice
from typing import Protocol

from docstore_metadata.documents import index
from docstore_metadata.sharding import COLLECTIONS
from docstore_metadata.tree.documents import node_document, node_of, node_update, root_node
from docstore_metadata.tree.name_order import order_of
from docstore_metadata.tree.rules import Node
from docstore_platform.mongodb.client import Collection, Document, DuplicateKeyError, Session, UpdateOne
from docstore_platform.mongodb.sharding import create_indexes

BY_NAME = "live_by_name"
"""Index of names in folders. Queries of many folders name it: each folder would be planned separately."""
FOLDERS_IN_ONE_QUERY = 8
"""Names in more folders are read by a query of their own."""
SORTED_BY = ("order", "modified", "created", "size")
NAMES_TRIED = 16
FILLED_AT_ONCE = 1000


class Nodes(Protocol):
    """Files and folders. Children are the live nodes of a folder."""

    async def by_ids(
        self, ids: Iterable[str], session: Session = None, *, names: Set[tuple[str, str]] = frozenset()
    ) -> list[Node]:
        """Those of the nodes that exist, unordered; with `names` also children by folder and name, as `by_names`."""

    async def by_names(self, names: Iterable[tuple[str, str]], session: Session = None) -> list[Node]:
        """Those of the children that exist, each given by its folder's id and its name."""

    async def with_ancestors(self, node_id: str, session: Session = None) -> list[Node]:
        """A node and every folder above it, unordered; empty if the node does not exist."""

    async def children(self, folder_ids: Iterable[str], limit: int) -> list[Node]:
        """Up to `limit` children of these folders, unordered."""

    async def child_ids(self, folder_ids: Sequence[str], *, folders_only: bool, session: Session) -> list[str]:
        """Ids of all children of these folders."""

    async def any_of_others(self, folder_ids: Sequence[str], account_id: str, session: Session) -> bool:
        """Whether any child of these folders was inserted by another account: `Node.inserter`."""

    async def children_by_age(
        self, folder_id: str, after: tuple[datetime, str] | None, limit: int, session: Session
    ) -> list[Node]:
        """The next children after a creation time and id, in creation order, which never changes."""

    async def all_after(self, node_id: str, limit: int, owner_id: str | None) -> list[Node]:
        """Nodes ordered by id, whatever their state, except roots; of one owner or of all."""

    async def make_root(self, account_id: str, now: datetime, session: Session) -> None:
        """Create an account's root folder. If it was created concurrently, a transaction is retried."""

    async def bump(self, folder_ids: Iterable[str], session: Session) -> None:
        """Increment the folders' children revision: conflicts at once with concurrent changes of their children."""

    async def lock_folder_moves(self, owner_id: str, session: Session) -> None:
        """Conflict with every concurrent move of a folder of this account."""

    async def insert(self, nodes: Sequence[Node], session: Session) -> None: ...

    async def save(self, nodes: Iterable[tuple[Node, Iterable[str]]], session: Session) -> None:
        """Store these attributes of existing nodes, in this order."""

    async def delete(self, ids: Sequence[str], session: Session) -> None:
        """Delete existing nodes."""

    async def free_name(
        self, parent_id: str, candidates: Iterator[str], session: Session, taken: Container[str] = ()
    ) -> str:
        """The first of `candidates` that is neither the name of a child nor in `taken`."""


class MongoNodes:
    def __init__(self, nodes: Collection) -> None:
        self._nodes = nodes

    async def create_indexes(self) -> None:
        if "live_by_order" not in await self._nodes.index_information():
            await self._fill_in_order()
        live: Document = {"live": True}
        tagged, described = live | {"tagged": True}, live | {"pairs": {"$exists": True}}
        await create_indexes(
            self._nodes,
            COLLECTIONS["nodes"],
            [
                index(BY_NAME, "parent", "name", only=live, unique=True),
                *(index(f"live_by_{field}", "parent", field, "_id", only=live) for field in SORTED_BY),
                index("live_by_tag", "parent", "tags", "name", only=tagged),
                index("live_by_tag_in_order", "parent", "tags", "order", "_id", only=tagged),
                index("live_by_metadata", "parent", "pairs", "name", only=described),
                index("live_by_metadata_in_order", "parent", "pairs", "order", "_id", only=described),
                index("live_folders", "parent", "_id", only=live | {"kind": "folder"}),
                index("by_owner", "owner", "_id"),
            ],
        )

    async def _fill_in_order(self) -> None:
        """Add the sort key to nodes of older releases; once, before its index exists."""
        rows = self._nodes.find({"order": {"$exists": False}}, {"kind": 1, "name": 1})
        while batch := await rows.to_list(FILLED_AT_ONCE):
            writes = [
                UpdateOne(row, {"$set": {"order": order_of(row["kind"], row["name"])}})  # unless renamed meanwhile
                for row in batch
            ]
            await self._nodes.bulk_write(writes, ordered=False)

    async def by_ids(
        self, ids: Iterable[str], session: Session = None, *, names: Set[tuple[str, str]] = frozenset()
    ) -> list[Node]:
        wanted: Document = {"_id": {"$in": sorted(set(ids))}}
        if 1 <= len({parent_id for parent_id, _ in names}) <= FOLDERS_IN_ONE_QUERY:
            by_parent = names_filter(names)
            return await self._find({"$or": [wanted, *by_parent.get("$or", [by_parent])]}, session=session)
        found = await self._find(wanted, session=session)
        return [*found, *await self.by_names(names, session)] if names else found

    async def by_names(self, names: Iterable[tuple[str, str]], session: Session = None) -> list[Node]:
        return await self._find(names_filter(names), session=session, hint=BY_NAME)

    async def with_ancestors(self, node_id: str, session: Session = None) -> list[Node]:
        return list((await with_folders_above(self._nodes, [node_id], session)).values())

    async def children(self, folder_ids: Iterable[str], limit: int) -> list[Node]:
        return await self._find({"parent": {"$in": list(folder_ids)}, "live": True}, limit=limit)

    async def child_ids(self, folder_ids: Sequence[str], *, folders_only: bool, session: Session) -> list[str]:
        here: Document = {"parent": {"$in": folder_ids}, "live": True}
        if folders_only:
            here["kind"] = "folder"
        return [row["_id"] async for row in self._nodes.find(here, {"_id": 1}, session=session)]

    async def any_of_others(self, folder_ids: Sequence[str], account_id: str, session: Session) -> bool:
        not_recorded: Document = {"inserted_by": None, "modified_by": account_id, "version": {"$in": [None, 0, 1]}}
        others: Document = {"$nor": [{"inserted_by": account_id}, not_recorded]}
        here = {"parent": {"$in": folder_ids}, "live": True}
        return await self._nodes.find_one(here | others, {"_id": 1}, session=session, hint=BY_NAME) is not None

    async def children_by_age(
        self, folder_id: str, after: tuple[datetime, str] | None, limit: int, session: Session
    ) -> list[Node]:
        children: Document = {"parent": folder_id, "live": True}
        if after is not None:
            created, last_id = after
            same = {**children, "created": created, "_id": {"$gt": last_id}}
            children = {"$or": [same, {**children, "created": {"$gt": created}}]}
        return await self._find(children, sort=[("created", 1), ("_id", 1)], limit=limit, session=session)

    async def all_after(self, node_id: str, limit: int, owner_id: str | None) -> list[Node]:
        condition: Document = {"_id": {"$gt": node_id}, "parent": {"$ne": None}}
        if owner_id is not None:
            condition["owner"] = owner_id
        return await self._find(condition, sort=[("_id", 1)], limit=limit)

    async def make_root(self, account_id: str, now: datetime, session: Session) -> None:
        try:
            await self._nodes.insert_one(node_document(root_node(account_id, now)), session=session)
        except DuplicateKeyError:
            if session is not None:
                raise

    async def bump(self, folder_ids: Iterable[str], session: Session) -> None:
        ids = sorted(set(folder_ids))
        if ids:
            await self._nodes.update_many({"_id": {"$in": ids}}, {"$inc": {"children_revision": 1}}, session=session)

    async def lock_folder_moves(self, owner_id: str, session: Session) -> None:
        await self._nodes.update_one({"_id": owner_id}, {"$inc": {"folder_moves": 1}}, session=session)

    async def insert(self, nodes: Sequence[Node], session: Session) -> None:
        if nodes:
            await self._nodes.insert_many([node_document(node) for node in nodes], session=session)

    async def save(self, nodes: Iterable[tuple[Node, Iterable[str]]], session: Session) -> None:
        writes = [UpdateOne({"_id": node.id}, node_update(node, attributes)) for node, attributes in nodes]
        if writes:
            await self._nodes.bulk_write(writes, session=session)

    async def delete(self, ids: Sequence[str], session: Session) -> None:
        outcome = await self._nodes.delete_many({"_id": {"$in": list(ids)}}, session=session)
        assert outcome.deleted_count == len(ids)

    async def free_name(
        self, parent_id: str, candidates: Iterator[str], session: Session, taken: Container[str] = ()
    ) -> str:
        while True:
            names = list(islice(candidates, NAMES_TRIED))
            condition = {"parent": parent_id, "live": True, "name": {"$in": names}}
            found = {row["name"] async for row in self._nodes.find(condition, {"name": 1}, session=session)}
            for name in names:
                if name not in found and name not in taken:
                    return name

    async def _find(self, condition: Document, **options: object) -> list[Node]:
        return [node_of(document) for document in await self._nodes.find(condition, **options).to_list(None)]


async def with_folders_above(nodes: Collection, ids: Iterable[str], session: Session) -> dict[str, Node]:
    """Those of the nodes that exist, with all folders above them, by id.

    One query; in a transaction one for each level, because there a sharded collection refuses `$graphLookup`.
    """
    found: dict[str, Node] = {}
    asked: set[str] = set()
    missing = set(ids)
    if session is None:
        fields = {"startWith": "$parent", "connectFromField": "parent", "connectToField": "_id", "as": "above"}
        lookup = {"$graphLookup": {"from": nodes.name, **fields}}
        pipeline: list[Document] = [{"$match": {"_id": {"$in": sorted(missing)}}}, lookup]
        async for document in nodes.aggregate(pipeline):
            found |= {row["_id"]: node_of(row) for row in (document, *document["above"])}
        return found
    while missing:
        asked |= missing
        rows = nodes.find({"_id": {"$in": sorted(missing)}}, session=session)
        level = {row["_id"]: node_of(row) async for row in rows}
        found |= level
        missing = {node.parent_id for node in level.values() if node.parent_id} - asked
    return found


def names_filter(names: Iterable[tuple[str, str]]) -> Document:
    """Filter of the live nodes with these parents and names."""
    by_parent: dict[str, list[str]] = {}
    for parent_id, name in names:
        by_parent.setdefault(parent_id, []).append(name)
    each: list[Document] = [
        {"parent": parent, "live": True, "name": {"$in": some}} for parent, some in by_parent.items()
    ]
    return each[0] if len(each) == 1 else {"$or": each}
