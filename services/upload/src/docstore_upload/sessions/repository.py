"""Upload sessions in MongoDB."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from docstore_platform.mongodb.client import ASCENDING, DESCENDING, Document, IndexModel
from docstore_upload.lifecycle.repository import STALLED, MongoTransfers
from docstore_upload.lifecycle.rules import OPEN, State
from docstore_upload.sessions.rules import Pairs, Upload, Verified

REFUSED_CREDENTIALS_BYTES = 1 << 30
"""What credentials count for after they were used for something other than declared."""


def _found(document: Document) -> tuple[str, Verified]:
    return document["etag"], Verified(document["size"], document["sha256"], document["object_name"])


def page_filter(account_id: str, before: str | None, state: State | None) -> Document:
    """Return the filter for an account's sessions that began before `before`."""
    query: Document = {"account_id": account_id}
    if before is not None:
        query["_id"] = {"$lt": before}
    if state is not None:
        query["state"] = {"$in": ["uploading", "committing"]} if state == "uploading" else state
    return query


def _pairs(stored: Sequence[Sequence[str]]) -> Pairs:
    return tuple((name, value) for name, value in stored)


class MongoUploads(MongoTransfers[Upload]):
    """Upload sessions, one document each."""

    collection_name = "uploads"
    transfer_type = Upload
    readers: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"found": _found, "metadata": _pairs}
    indexes: ClassVar[Sequence[IndexModel]] = (
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)]),
        IndexModel([("account_id", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)], name="by_state"),
        IndexModel(
            [("account_id", ASCENDING), ("state", ASCENDING)],
            name="in_blocks",
            partialFilterExpression={"method": "blocks"},
        ),
        IndexModel(
            [("account_id", ASCENDING), ("expires_at", ASCENDING)],
            name="given_up",
            partialFilterExpression={"state": "aborted"},
        ),
    )

    async def page(self, account_id: str, before: str | None, limit: int, state: State | None) -> list[Upload]:
        query = page_filter(account_id, before, state)
        documents = await self._documents.find(query).sort("_id", DESCENDING).limit(limit).to_list(limit)
        return [self._read(document) for document in documents]

    async def open_in_blocks(self, account_id: str) -> int:
        return await self._sum({"account_id": account_id, "method": "blocks", "state": {"$in": list(OPEN)}}, "$size")

    async def given_up_bytes(self, account_id: str, now: datetime) -> int:
        given_up = {"account_id": account_id, "state": "aborted", "expires_at": {"$gt": now}}
        refused = {"$and": [{"$eq": ["$method", "credentials"]}, {"$eq": ["$refusal.code", "upload_mismatch"]}]}
        counted = {"$add": ["$size", {"$cond": [refused, REFUSED_CREDENTIALS_BYTES, 0]}]}
        return await self._sum(given_up | {"method": {"$in": ["form", "credentials"]}}, counted)

    async def _sum(self, query: Document, size: Any) -> int:
        stages: list[Document] = [{"$match": query}, {"$group": {"_id": None, "bytes": {"$sum": size}}}]
        rows = await self._documents.aggregate(stages).to_list(None)
        return int(rows[0]["bytes"]) if rows else 0

    async def mark_uploading(self, upload_id: str) -> None:
        await self._documents.update_one({"_id": upload_id, "state": "initiated"}, {"$set": {"state": "uploading"}})

    async def insert(self, transfers: Sequence[Upload]) -> None:
        await super().insert(transfers)
        for upload in transfers:
            if upload.method == "multipart":  # its checksum may be declared later, at another instance
                self._recent.pop(upload.id, None)

    async def declare(self, upload_id: str, sha256: str | None, modified_at: datetime | None) -> bool:
        said = {"sha256": sha256, "client_modified_at": modified_at}
        declared = {name: value for name, value in said.items() if value is not None}
        if not declared:
            return True
        undeclared: Document = {"_id": upload_id, "state": {"$in": OPEN}}
        if sha256 is not None:
            undeclared["sha256"] = {"$in": [None, sha256]}
        return (await self._documents.update_one(undeclared, {"$set": declared})).matched_count == 1

    async def count_signed(self, upload_id: str, size: int, most: int) -> bool:
        has_room: Document = {"_id": upload_id, "signed_bytes": {"$not": {"$gt": most - size}}}
        return (await self._documents.update_one(has_room, {"$inc": {"signed_bytes": size}})).matched_count == 1

    async def note_found(self, upload_id: str, etag: str, verified: Verified) -> None:
        found = {"etag": etag, **verified.facts}
        await self._documents.update_one({"_id": upload_id, "state": {"$in": OPEN}}, {"$set": {"found": found}})

    async def stalled(self, after: str, limit: int) -> list[Upload]:
        query = STALLED | {"_id": {"$gt": after}}
        documents = await self._documents.find(query).sort("_id", ASCENDING).limit(limit).to_list(limit)
        return [self._read(document) for document in documents]
