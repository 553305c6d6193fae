"""Reads the folders of a ZIP, and keeps the checksums of an interrupted one for a day, in MongoDB."""

from array import array
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from docstore_metadata.documents import index
from docstore_metadata.tree.documents import node_of
from docstore_metadata.tree.repository import BY_NAME
from docstore_metadata.tree.rules import Node
from docstore_platform.mongodb.client import Database, Document

KEPT_SECONDS = 24 * 3600
UNKNOWN = -1
"""Checksum of an entry that was not read to its end; the others are CRC-32, in order."""


def no_checksums(entries: int) -> "array[int]":
    return array("q", [UNKNOWN]) * entries


class ZipTree(Protocol):
    async def children(self, folder_ids: Sequence[str], after: tuple[str, str] | None, limit: int) -> list[Node]:
        """Live children, ordered by folder and name; those after this folder and name."""


class ZipProgress(Protocol):
    async def find(self, digest: str, entries: int) -> "array[int]":
        """What an interrupted download of the same ZIP has read."""

    async def save(self, digest: str, checksums: "array[int]", now: datetime) -> None: ...


class MongoZipTree:
    def __init__(self, database: Database) -> None:
        self._nodes = database["nodes"]

    async def children(self, folder_ids: Sequence[str], after: tuple[str, str] | None, limit: int) -> list[Node]:
        condition: Document = {"parent": {"$in": list(folder_ids)}, "live": True}
        if after is not None:
            folder_id, name = after
            rest = [each for each in folder_ids if each > folder_id]
            here: Document = {"parent": folder_id, "live": True, "name": {"$gt": name}}
            condition = {"$or": [here, {**condition, "parent": {"$in": rest}}]} if rest else here
        rows = self._nodes.find(condition, sort=[("parent", 1), ("name", 1)], limit=limit, hint=BY_NAME)
        return [node_of(row) for row in await rows.to_list(limit)]


class MongoZipProgress:
    def __init__(self, database: Database) -> None:
        self._progress = database["zip_progress"]

    async def create_indexes(self) -> None:
        await self._progress.create_indexes([index("kept", "at", expireAfterSeconds=KEPT_SECONDS)])

    async def find(self, digest: str, entries: int) -> "array[int]":
        row = await self._progress.find_one({"_id": digest})
        checksums = array("q", bytes(row["checksums"])) if row else no_checksums(entries)
        return checksums if len(checksums) == entries else no_checksums(entries)

    async def save(self, digest: str, checksums: "array[int]", now: datetime) -> None:
        update = {"$set": {"checksums": checksums.tobytes(), "at": now}}
        await self._progress.update_one({"_id": digest}, update, upsert=True)
