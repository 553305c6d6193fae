"""Signing keys in MongoDB."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from docstore_platform.mongodb.client import Collection, Database, Document, DuplicateKeyError


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key, which signs until one time and is published until a later one."""

    number: int
    kid: str
    seed: bytes
    signs_until: datetime
    published_until: datetime


class KeyRepository(Protocol):
    async def newest(self) -> SigningKey | None: ...

    async def published(self, now: datetime) -> list[SigningKey]: ...

    async def add(self, key: SigningKey) -> bool:
        """Add a key; False if another instance has created the key of that number."""


class MongoKeys:
    def __init__(self, database: Database) -> None:
        self._keys: Collection = database["signing_keys"]

    async def create_indexes(self) -> None:
        await self._keys.create_index("published_until", expireAfterSeconds=0)

    async def newest(self) -> SigningKey | None:
        row = await self._keys.find_one(sort=[("_id", -1)])
        return _key(row) if row else None

    async def published(self, now: datetime) -> list[SigningKey]:
        rows = self._keys.find({"published_until": {"$gt": now}}).sort("_id", -1)
        return [_key(row) async for row in rows]

    async def add(self, key: SigningKey) -> bool:
        row = asdict(key)
        try:
            await self._keys.insert_one({"_id": row.pop("number"), **row})
        except DuplicateKeyError:
            return False
        return True


def _key(row: Document) -> SigningKey:
    return SigningKey(row["_id"], row["kid"], bytes(row["seed"]), row["signs_until"], row["published_until"])
