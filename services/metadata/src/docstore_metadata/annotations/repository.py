"""Nodes with locks or properties, in collection `nodes` of MongoDB. Few have them, and the indexes hold only those."""

from datetime import datetime
from typing import Protocol

from docstore_metadata.documents import index
from docstore_metadata.tree.documents import node_of
from docstore_metadata.tree.rules import Node
from docstore_platform.mongodb.client import Collection, Document, Session


class AnnotatedNodes(Protocol):
    async def children(self, folder_id: str) -> list[Node]:
        """Those of a folder's children that have locks or properties."""

    async def locked(self, owner_id: str, now: datetime, session: Session) -> list[Node]:
        """Nodes in an account's tree that have a lock in force, wherever they are."""

    async def locks_of(self, account_id: str, now: datetime, session: Session) -> int:
        """How many nodes an account has locked."""


class MongoAnnotatedNodes:
    def __init__(self, nodes: Collection) -> None:
        self._nodes = nodes

    async def create_indexes(self) -> None:
        annotated: Document = {"annotated": True}
        await self._nodes.create_indexes(
            [
                index("annotated_children", "parent", only=annotated),
                index("locked_of_owner", "owner", "locks.expires_at", only=annotated),
                index("locked_by_account", "locks.account_id", "locks.expires_at", only=annotated),
            ]
        )

    async def children(self, folder_id: str) -> list[Node]:
        rows = self._nodes.find({"parent": folder_id, "live": True, "annotated": True}, hint="annotated_children")
        return [node_of(row) for row in await rows.to_list(None)]

    async def locked(self, owner_id: str, now: datetime, session: Session) -> list[Node]:
        condition: Document = {"owner": owner_id, "locks.expires_at": {"$gt": now}, "annotated": True}
        rows = self._nodes.find(condition, session=session, hint="locked_of_owner")
        return [node_of(row) for row in await rows.to_list(None)]

    async def locks_of(self, account_id: str, now: datetime, session: Session) -> int:
        in_force = {"$elemMatch": {"account_id": account_id, "expires_at": {"$gt": now}}}
        condition: Document = {"locks": in_force, "annotated": True}
        return await self._nodes.count_documents(condition, session=session, hint="locked_by_account")
