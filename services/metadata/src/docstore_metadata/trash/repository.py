"""Nodes that were put into the trash themselves, in collection `nodes` of MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from docstore_metadata.documents import index
from docstore_metadata.tree.documents import node_of
from docstore_metadata.tree.rules import Node
from docstore_platform.mongodb.client import Collection, Document, Session


class TrashedNodes(Protocol):
    async def put_in(self, node: Node, root: Node, path: str, now: datetime, session: Session) -> None:
        """Put a node with this path into the trash, at the later of the service's and the database's time."""

    async def page(self, owner_id: str, before: tuple[datetime, str] | None, limit: int) -> list[Node]:
        """The trash of an account before a moment and id, the latest first."""

    async def hide(self, ids: Sequence[str], session: Session) -> None:
        """Remove these from the list of the trash: they are being purged."""


class MongoTrashedNodes:
    def __init__(self, nodes: Collection) -> None:
        self._nodes = nodes

    async def create_indexes(self) -> None:
        await self._nodes.create_indexes(
            [
                index("trash", "owner", "-trashed_at", "-_id", only="trashed_at"),
                index("trashed_paths", "owner", "trashed_path", only="trashed_at"),
            ]
        )

    async def put_in(self, node: Node, root: Node, path: str, now: datetime, session: Session) -> None:
        if root.trash_from is None:
            await self._nodes.update_one({"_id": root.id}, [{"$set": {"trash_from": "$$NOW"}}], session=session)
        # With a clock that is behind, its retention would end too early.
        trashed_at = {"$max": [now, "$$NOW"]}
        marks = {"trashed_at": trashed_at, "trashed_path": {"$literal": path}, "revision": node.revision}
        update: list[Document] = [{"$set": marks}, {"$unset": ["live", "hidden", "locks"]}]
        await self._nodes.update_one({"_id": node.id}, update, session=session)

    async def page(self, owner_id: str, before: tuple[datetime, str] | None, limit: int) -> list[Node]:
        condition: Document = {"owner": owner_id, "trashed_at": {"$exists": True}}
        if before is not None:
            moment, node_id = before
            condition["$or"] = [{"trashed_at": {"$lt": moment}}, {"trashed_at": moment, "_id": {"$lt": node_id}}]
        rows = self._nodes.find(condition, sort=[("trashed_at", -1), ("_id", -1)], limit=limit)
        return [node_of(row) for row in await rows.to_list(limit)]

    async def hide(self, ids: Sequence[str], session: Session) -> None:
        await self._nodes.update_many({"_id": {"$in": ids}}, {"$unset": {"trashed_at": ""}}, session=session)
