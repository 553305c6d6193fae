"""Token buckets in MongoDB, shared by all replicas and refilled by the database's clock."""

from typing import Any, NamedTuple, Protocol

from docstore_platform.mongodb.client import ASCENDING, Collection, Database, IndexModel, ReturnDocument


class TokenGrant(NamedTuple):
    """Tokens granted, and tokens left in the bucket."""

    granted: int
    left: float


class TokenBuckets(Protocol):
    async def take(self, key: str, *, size: int, period_seconds: float, chunk: int) -> TokenGrant:
        """Take up to `chunk` tokens of a bucket that starts full and gets `size` more each period."""


class MongoTokenBuckets:
    """Collection `rate_limits`: a bucket is deleted once it is full again."""

    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["rate_limits"]

    async def create_indexes(self) -> None:
        await self._rows.create_indexes([IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)])

    async def take(self, key: str, *, size: int, period_seconds: float, chunk: int) -> TokenGrant:
        period_ms = period_seconds * 1000
        elapsed_ms = {"$max": [0, {"$subtract": ["$$NOW", {"$ifNull": ["$at", "$$NOW"]}]}]}
        refilled = {"$add": [{"$ifNull": ["$tokens", size]}, {"$multiply": [size / period_ms, elapsed_ms]}]}
        left = {"$subtract": ["$tokens", "$granted"]}
        update: list[dict[str, Any]] = [
            {"$set": {"tokens": {"$min": [size, refilled]}, "at": "$$NOW"}},
            {"$set": {"granted": {"$min": [chunk, {"$floor": "$tokens"}]}}},
            {"$set": {"tokens": left, "expires_at": {"$add": ["$$NOW", int(period_ms)]}}},
        ]
        row = await self._rows.find_one_and_update(
            {"_id": key}, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        return TokenGrant(int(row["granted"]), float(row["tokens"]))
