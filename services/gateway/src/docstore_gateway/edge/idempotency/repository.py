"""Rows of Idempotency-Keys: the call of each key, its lease and its response."""

from collections.abc import Sequence
from typing import Any, Protocol

from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
    ReturnDocument,
)

UPSERT_TRIES = 3


class IdempotencyRows(Protocol):
    """A row has a `fingerprint` of its call, a `lease_id`, and `sealed` once there is a response.

    Writes with an outdated `lease_id` change nothing.
    """

    async def take(self, row_id: str, fingerprint: str, lease_id: str) -> Document:
        """Return the row, leased to the caller if it is new or its lease expired without a response."""

    async def renew(self, row_id: str, lease_id: str) -> None:
        """Renew the lease of a call that is still running."""

    async def store(self, row_id: str, lease_id: str, sealed: bytes) -> None:
        """Store the response."""

    async def release(self, row_id: str, lease_id: str) -> None:
        """Delete the row: the call can be made again."""

    async def known(self, row_ids: Sequence[str]) -> str | None:
        """Return one of the ids that has a row."""


class MongoIdempotencyRows:
    """Collection `idempotency_keys`; leases and expiry by the database's clock (ADR 28)."""

    def __init__(self, database: Database, *, lease_seconds: float, hours: int) -> None:
        self._rows: Collection = database["idempotency_keys"]
        self._lease_until = {"$add": ["$$NOW", int(lease_seconds * 1000)]}
        self._expires_at = {"$add": ["$$NOW", hours * 3_600_000]}

    async def create_indexes(self) -> None:
        await self._rows.create_indexes([IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)])

    async def take(self, row_id: str, fingerprint: str, lease_id: str) -> Document:
        mine = {
            "fingerprint": fingerprint,
            "lease_id": lease_id,
            "lease_until": self._lease_until,
            "expires_at": self._expires_at,
        }
        unanswered = [{"$eq": [{"$type": f"${name}"}, "missing"]} for name in ("sealed", "status")]
        ended = [{"$eq": ["$fingerprint", fingerprint]}, {"$lte": ["$lease_until", "$$NOW"]}, *unanswered]
        is_new = {"$eq": [{"$type": "$fingerprint"}, "missing"]}
        update: list[Any] = [
            {"$set": {"taken": {"$or": [is_new, {"$and": ended}]}}},
            {"$set": {name: {"$cond": ["$taken", value, f"${name}"]} for name, value in mine.items()}},
            {"$unset": "taken"},
        ]
        for attempt in range(UPSERT_TRIES):
            try:
                row: Document = await self._rows.find_one_and_update(
                    {"_id": row_id}, update, upsert=True, return_document=ReturnDocument.AFTER
                )
                return row
            except DuplicateKeyError:  # created concurrently
                if attempt == UPSERT_TRIES - 1:
                    raise
        raise AssertionError("the loop above returns or raises")

    async def renew(self, row_id: str, lease_id: str) -> None:
        unanswered = {"_id": row_id, "lease_id": lease_id, "sealed": {"$exists": False}}
        await self._rows.update_one(unanswered, [{"$set": {"lease_until": self._lease_until}}])

    async def store(self, row_id: str, lease_id: str, sealed: bytes) -> None:
        # An earlier version, without encrypted responses, sees the call as under way until the key expires.
        stored = [{"$set": {"sealed": sealed, "lease_until": "$expires_at"}}]
        await self._rows.update_one({"_id": row_id, "lease_id": lease_id}, stored)

    async def release(self, row_id: str, lease_id: str) -> None:
        await self._rows.delete_one({"_id": row_id, "lease_id": lease_id})

    async def known(self, row_ids: Sequence[str]) -> str | None:
        row = await self._rows.find_one({"_id": {"$in": list(row_ids)}}, {"_id": 1})
        return None if row is None else str(row["_id"])
