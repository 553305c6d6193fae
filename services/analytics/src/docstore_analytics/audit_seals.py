"""Which entries of the audit log are sealed in which object."""

from dataclasses import dataclass

from docstore_platform.mongo import DESCENDING, Collection, Database, Document, DuplicateKeyError


@dataclass(frozen=True, slots=True)
class Seal:
    """Entries `first` to `last`, both included, in the object `key`."""

    first: int
    last: int
    key: str


class AuditSeals:
    def __init__(self, database: Database) -> None:
        self._seals: Collection = database["audit_seals"]

    async def add(self, seal: Seal) -> bool:
        """False if another has sealed from the same entry on."""
        try:
            await self._seals.insert_one({"_id": seal.first, "last": seal.last, "key": seal.key})
        except DuplicateKeyError:
            return False
        return True

    async def last(self) -> Seal | None:
        row = await self._seals.find_one(sort=[("_id", DESCENDING)])
        return _seal(row) if row else None

    async def between(self, first: int, last: int) -> list[Seal]:
        """Those with an entry from `first` to `last`."""
        before = await self._seals.find_one({"_id": {"$lte": first}}, sort=[("_id", DESCENDING)])
        start = before["_id"] if before else first
        rows = self._seals.find({"_id": {"$gte": start, "$lte": last}}).sort("_id", 1)
        return [_seal(row) async for row in rows]


def _seal(row: Document) -> Seal:
    return Seal(row["_id"], row["last"], row["key"])
