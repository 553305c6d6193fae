"""Applies events of other services to nodes: roots and states of accounts, indexed versions, previews."""

from datetime import datetime

from docstore_metadata.tree.documents import node_document, root_node
from docstore_platform.mongodb.client import Collection, Document, Session, UpdateOne

RESTART_RETENTION: list[Document] = [
    {"$set": {since: {"$cond": [f"${since}", "$$NOW", "$$REMOVE"]} for since in ("trash_from", "versions_from")}},
    {"$unset": "lease"},
]
"""Updates the root of an account whose owner had no access to it: the retention of trash and old versions starts now.
`lease` is the token of an instance of an older release, which stops without it."""


class MongoProjection:
    """Applies events in their order; a repeated event changes nothing."""

    def __init__(self, nodes: Collection) -> None:
        self._nodes = nodes
        self._updates: list[UpdateOne] = []
        self._failed: list[str] = []
        self._pictured: list[str] = []

    def make_root(self, account_id: str, created_at: datetime) -> None:
        root = node_document(root_node(account_id, created_at))
        key = {name: root.pop(name) for name in ("_id", "owner")}
        self._updates.append(UpdateOne(key, {"$setOnInsert": root}, upsert=True))

    def set_account_state(self, account_id: str, revision: int, *, suspended: bool) -> None:
        """Skipped if a later revision is known. When a suspension ends, the account's retention restarts."""
        older = {"_id": account_id, "account_revision": {"$not": {"$gte": revision}}}
        if not suspended:
            self._updates.append(UpdateOne({**older, "suspended": True}, RESTART_RETENTION))
        self._updates.append(UpdateOne(older, {"$set": {"account_revision": revision, "suspended": suspended}}))

    def set_indexed(self, file_id: str, version: int) -> None:
        self._updates.append(UpdateOne({"_id": file_id}, {"$max": {"indexed_version": version}}))

    def unset_indexed(self, file_id: str, version: int) -> None:
        """Skipped if another version is indexed."""
        this_version = {"_id": file_id, "indexed_version": version}
        self._updates.append(UpdateOne(this_version, {"$unset": {"indexed_version": ""}}))
        self._failed.append(file_id)

    def set_preview(self, file_id: str, version: int) -> None:
        self._updates.append(UpdateOne({"_id": file_id}, {"$max": {"preview_version": version}}))
        self._pictured.append(file_id)

    def set_photo(self, file_id: str, version: int, taken_at: datetime | None) -> None:
        """Skipped unless this version is the current one."""
        known = [taken_at] if taken_at else []
        photo_at = {"$ifNull": [*known, "$client_modified", "$created"]}
        self._updates.append(UpdateOne({"_id": file_id, "version": version}, [{"$set": {"photo_at": photo_at}}]))

    async def write(self, session: Session) -> None:
        """Write the changes. A file that becomes indexed changes no listing's revision (see Listings).

        One that ceases to be indexed does, and so does one that gets a preview.
        """
        if self._failed or self._pictured:
            were_indexed: Document = {"_id": {"$in": self._failed}, "indexed_version": {"$gt": 0}}
            are_shown_differently = {"$or": [were_indexed, {"_id": {"$in": self._pictured}}], "parent": {"$ne": None}}
            shown = self._nodes.find(are_shown_differently, {"parent": 1}, session=session)
            folders = sorted({row["parent"] async for row in shown})
            bump = {"$inc": {"children_revision": 1}}
            await self._nodes.update_many({"_id": {"$in": folders}}, bump, session=session)
        if self._updates:
            await self._nodes.bulk_write(self._updates, session=session)
