"""Reads the tree for snapshot and compare from MongoDB."""

from collections.abc import Collection as Some
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from docstore_metadata.changes.journal_writer_repository import path_key
from docstore_metadata.tree.documents import node_of
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.repository import BY_NAME, names_filter
from docstore_metadata.tree.rules import Node
from docstore_metadata.tree.shared_roots_repository import next_shared_root
from docstore_platform.mongodb.client import Database, Document


class Child(NamedTuple):
    """The fields of a node that compare needs."""

    id: str
    parent_id: str
    name: str
    is_folder: bool
    sha256: str | None


class SyncTree(Protocol):
    async def children(self, folder_ids: Some[str], limit: int) -> list[Child]:
        """Up to `limit` live children of these folders."""

    async def in_journal(self, account_id: str, paths: Sequence[str]) -> set[str]:
        """Those of the paths that have entries in the account's journal."""

    async def in_trash(self, owner_id: str, paths: Iterable[str]) -> list[tuple[str, str]]:
        """Ids and former paths of trash from one of these paths."""

    async def named(self, names: Mapping[tuple[str, str], object]) -> list[tuple[str, str, str]]:
        """Ids, parents and names of the live nodes with these parents and names."""

    async def subfolders(self, folder_ids: Sequence[str], limit: int) -> list[Node]:
        """Up to `limit` live folders in these folders."""

    async def children_in_order(
        self, folder_ids: Sequence[str], after: tuple[datetime, str] | None, limit: int
    ) -> list[Node]:
        """Live children, folder by folder; of the first folder those after a creation time and id."""

    async def next_shared_root(self, account_id: str, from_id: str) -> Place | None:
        """The first root shared with the account, ordered by id, from an id on."""


class MongoSyncTree:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._nodes = database["nodes"]

    async def children(self, folder_ids: Some[str], limit: int) -> list[Child]:
        condition = {"parent": {"$in": list(folder_ids)}, "live": True}
        fields = {"parent": 1, "name": 1, "kind": 1, "sha256": 1}
        rows = await self._nodes.find(condition, fields, limit=limit).to_list(limit)
        return [
            Child(row["_id"], row["parent"], row["name"], row["kind"] == "folder", row.get("sha256")) for row in rows
        ]

    async def in_journal(self, account_id: str, paths: Sequence[str]) -> set[str]:
        keys = {path_key(account_id, path): path for path in paths}
        rows = self._database["journal"].find({"paths": {"$in": list(keys)}}, {"_id": 0, "paths": 1})
        return {keys[key] async for row in rows for key in row["paths"] if key in keys}

    async def in_trash(self, owner_id: str, paths: Iterable[str]) -> list[tuple[str, str]]:
        trashed = {"owner": owner_id, "trashed_path": {"$in": list(paths)}, "trashed_at": {"$exists": True}}
        return [(row["_id"], row["trashed_path"]) async for row in self._nodes.find(trashed, {"trashed_path": 1})]

    async def named(self, names: Mapping[tuple[str, str], object]) -> list[tuple[str, str, str]]:
        rows = self._nodes.find(names_filter(names), {"parent": 1, "name": 1}, hint=BY_NAME)
        return [(row["_id"], row["parent"], row["name"]) async for row in rows]

    async def subfolders(self, folder_ids: Sequence[str], limit: int) -> list[Node]:
        condition = {"parent": {"$in": list(folder_ids)}, "kind": "folder", "live": True}
        return [node_of(row) async for row in self._nodes.find(condition, limit=limit)]

    async def children_in_order(
        self, folder_ids: Sequence[str], after: tuple[datetime, str] | None, limit: int
    ) -> list[Node]:
        order = [("parent", 1), ("created", 1), ("_id", 1)]
        rest: Document = {"parent": {"$in": list(folder_ids)}, "live": True}
        if after is None:
            return await self._page(rest, order, limit)
        moment, node_id = after
        here: Document = {"parent": folder_ids[0], "live": True}
        later = {"$or": [{**here, "created": moment, "_id": {"$gt": node_id}}, {**here, "created": {"$gt": moment}}]}
        found = await self._page(later, order, limit)
        if len(found) < limit and len(folder_ids) > 1:
            rest["parent"] = {"$in": list(folder_ids[1:])}
            found += await self._page(rest, order, limit - len(found))
        return found

    async def next_shared_root(self, account_id: str, from_id: str) -> Place | None:
        return await next_shared_root(self._database, account_id, from_id)

    async def _page(self, condition: Document, order: list[tuple[str, int]], limit: int) -> list[Node]:
        rows = self._nodes.find(condition, sort=order, limit=limit)
        return [node_of(row) for row in await rows.to_list(limit)]
