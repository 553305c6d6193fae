"""What events of other services change in nodes: roots and states of accounts, what is indexed, what has a preview."""

from datetime import datetime
from typing import Protocol

from docstore_metadata.retention.repository import RESTART_RETENTION
from docstore_metadata.tree.documents import node_document, root_node
from docstore_platform.mongo import Collection, Document, Session, UpdateOne


class Projection(Protocol):
    """Changes in the order of the events they come from; an event that is handled again changes nothing."""

    def make_root(self, account_id: str, created_at: datetime) -> None: ...

    def set_account_state(self, account_id: str, revision: int, *, suspended: bool) -> None:
        """Unless a later revision is known. One that is suspended no longer has its full retention from now on."""
        ...

    def set_indexed(self, file_id: str, version: int) -> None: ...

    def unset_indexed(self, file_id: str, version: int) -> None:
        """Unless another version is indexed."""
        ...

    def set_preview(self, file_id: str, version: int) -> None: ...

    async def write(self, session: Session) -> None:
        """Write the changes. A file that comes to be indexed changes no listing's revision (see Listings).

        One that ceases to be does, and so does one that has a preview.
        """
        ...


class MongoProjection:
    def __init__(self, nodes: Collection) -> None:
        self._nodes = nodes
        self._updates: list[UpdateOne] = []
        self._failed: list[str] = []
        self._pictured: list[str] = []

    def make_root(self, account_id: str, created_at: datetime) -> None:
        root = node_document(root_node(account_id, created_at))
        del root["_id"]
        self._updates.append(UpdateOne({"_id": account_id}, {"$setOnInsert": root}, upsert=True))

    def set_account_state(self, account_id: str, revision: int, *, suspended: bool) -> None:
        older = {"_id": account_id, "account_revision": {"$not": {"$gte": revision}}}
        if not suspended:
            self._updates.append(UpdateOne({**older, "suspended": True}, RESTART_RETENTION))
        self._updates.append(UpdateOne(older, {"$set": {"account_revision": revision, "suspended": suspended}}))

    def set_indexed(self, file_id: str, version: int) -> None:
        self._updates.append(UpdateOne({"_id": file_id}, {"$max": {"indexed_version": version}}))

    def unset_indexed(self, file_id: str, version: int) -> None:
        this_version = {"_id": file_id, "indexed_version": version}
        self._updates.append(UpdateOne(this_version, {"$unset": {"indexed_version": ""}}))
        self._failed.append(file_id)

    def set_preview(self, file_id: str, version: int) -> None:
        self._updates.append(UpdateOne({"_id": file_id}, {"$max": {"preview_version": version}}))
        self._pictured.append(file_id)

    async def write(self, session: Session) -> None:
        if self._failed or self._pictured:
            were_indexed: Document = {"_id": {"$in": self._failed}, "indexed_version": {"$gt": 0}}
            look_different = {"$or": [were_indexed, {"_id": {"$in": self._pictured}}], "parent": {"$ne": None}}
            folders = await self._nodes.distinct("parent", look_different, session=session)
            bump = {"$inc": {"children_revision": 1}}
            await self._nodes.update_many({"_id": {"$in": folders}}, bump, session=session)
        if self._updates:
            await self._nodes.bulk_write(self._updates, session=session)
