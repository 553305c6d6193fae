"""Pages of all that metadata stores, whoever owns it, read from a secondary where there is one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from docstore_metadata.changes.journal_writer_repository import entry_id
from docstore_metadata.sharing.repository import SHARES
from docstore_metadata.sharing.rules import Share
from docstore_metadata.tree.rules import Version
from docstore_metadata.versions.documents import VERSIONS
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import Collection, Database, Document, UpdateOne

UNKNOWN_REFERENCES = 1 << 30
"""More than deletions ever take back: which other versions share a content is not indexed, and one that is kept for
nothing is better than one that is lost."""


class StoredPages(Protocol):
    """Pages by id, and what a repair changes."""

    async def versions(self, after: str, limit: int) -> dict[str, Version]:
        """Versions by id."""

    async def shares(self, after: str, limit: int) -> list[Share]: ...

    async def journals(self, after: str, limit: int) -> dict[str, int]:
        """The number of the last entry, as each account's counter has it."""

    async def journals_of(self, account_ids: Sequence[str]) -> dict[str, int]:
        """The same of these accounts."""

    async def last_entries(self, account_ids: Sequence[str]) -> dict[str, int]:
        """The number of the last entry that there is, of accounts that have one."""

    async def uncounted(self, keys: Iterable[str]) -> set[str]:
        """Those of the contents that nothing is recorded to refer to: they may be deleted at any time."""


class MongoStoredPages:
    def __init__(self, database: Database) -> None:
        self._versions: Collection = database["versions"]
        self._shares: Collection = database["shares"]
        self._counters: Collection = database["journals"]
        self._entries: Collection = database["journal"]
        self._contents: Collection = database["objects"]

    async def versions(self, after: str, limit: int) -> dict[str, Version]:
        return {row["_id"]: VERSIONS.item(row) for row in await self._page(self._versions, after, limit)}

    async def shares(self, after: str, limit: int) -> list[Share]:
        return [SHARES.item(row) for row in await self._page(self._shares, after, limit)]

    async def journals(self, after: str, limit: int) -> dict[str, int]:
        return {row["_id"]: int(row["seq"]) for row in await self._page(self._counters, after, limit)}

    async def journals_of(self, account_ids: Sequence[str]) -> dict[str, int]:
        return {row["_id"]: int(row["seq"]) async for row in self._counters.find({"_id": {"$in": list(account_ids)}})}

    async def _page(self, collection: Collection, after: str, limit: int) -> list[Document]:
        return await collection.find({"_id": {"$gt": after}}, sort=[("_id", 1)], limit=limit).to_list(limit)

    async def last_entries(self, account_ids: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for account_id in account_ids:
            of_account = {"_id": {"$gt": entry_id(account_id, 0), "$lt": f"{account_id}/"}}
            row = await self._entries.find_one(of_account, {"_id": 1}, sort=[("_id", -1)])
            if row:
                found[account_id] = int(row["_id"].rpartition(".")[2])
        return found

    async def uncounted(self, keys: Iterable[str]) -> set[str]:
        wanted = set(keys)
        counted: Document = {"_id": {"$in": sorted(wanted)}, "refs": {"$gt": 0}}
        return wanted - {row["_id"] async for row in self._contents.find(counted, {"_id": 1})}


class ConsistencyRepairs(Protocol):
    async def keep(self, keys: Iterable[str]) -> None:
        """Keep each of the contents that have no reference, for good."""

    async def raise_journals(self, numbers: Mapping[str, int]) -> None:
        """Number the next change of each account after this one."""


class MongoConsistencyRepairs:
    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._contents: Collection = database["objects"]
        self._counters: Collection = database["journals"]
        self._clock = clock

    async def keep(self, keys: Iterable[str]) -> None:
        for key in keys:
            lost = {"_id": key, "$or": [{"refs": {"$lte": 0}}, {"refs": {"$exists": False}}]}
            kept: Document = {"$set": {"refs": UNKNOWN_REFERENCES, "used_at": self._clock()}, "$unset": {"due_at": ""}}
            if not (await self._contents.update_one(lost, kept)).matched_count:
                fresh = {"$setOnInsert": {"refs": UNKNOWN_REFERENCES, "used_at": self._clock()}}
                await self._contents.update_one({"_id": key}, fresh, upsert=True)

    async def raise_journals(self, numbers: Mapping[str, int]) -> None:
        writes = [UpdateOne({"_id": account}, {"$max": {"seq": number}}) for account, number in numbers.items()]
        if writes:
            await self._counters.bulk_write(writes)
