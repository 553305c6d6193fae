"""Pages of renditions by id, whoever owns them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from docstore_platform.mongodb.client import Collection, Database, Document


@dataclass(frozen=True, slots=True)
class StoredRendition:
    """A rendition in the database; `is_ready`: its pictures are in the bucket."""

    id: str
    owner_id: str
    is_ready: bool


class StoredRenditions(Protocol):
    async def page(self, after: str, limit: int) -> list[StoredRendition]: ...

    async def by_ids(self, ids: Sequence[str]) -> list[StoredRendition]: ...


class MongoStoredRenditions:
    def __init__(self, database: Database) -> None:
        self._renditions: Collection = database["renditions"]

    async def page(self, after: str, limit: int) -> list[StoredRendition]:
        rows = self._renditions.find({"_id": {"$gt": after}}, sort=[("_id", 1)], limit=limit)
        return [_stored(row) async for row in rows]

    async def by_ids(self, ids: Sequence[str]) -> list[StoredRendition]:
        return [_stored(row) async for row in self._renditions.find({"_id": {"$in": list(ids)}})]


def _stored(row: Document) -> StoredRendition:
    return StoredRendition(row["_id"], row["owner_id"], row["live"] and row["state"] == "ready")
