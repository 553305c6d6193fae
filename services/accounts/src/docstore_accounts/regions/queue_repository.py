"""Queue of accounts to send to other regions: a row for each account and region, in MongoDB."""

from collections.abc import Collection as AnyCollection
from collections.abc import Iterable, Mapping
from typing import Protocol

from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import ASCENDING, Collection, Database, DeleteOne, Document, IndexModel, UpdateOne
from docstore_work.lease_queue import Lease, LeaseQueue


class ReplicationQueue(Protocol):
    """A row means that a region may lack a revision of an account; the state is read when it is sent."""

    async def add(self, regions: AnyCollection[str], revisions: Mapping[str, int], transaction: Transaction) -> None:
        """Queue these accounts, by id, in at least these revisions, for each region."""

    async def claim(self, region: str, limit: int) -> dict[str, Lease]:
        """Lease due accounts, by id."""

    async def complete(self, region: str, leases: Iterable[Lease], revisions: Mapping[str, int]) -> None:
        """Remove accounts whose revision the region has received; those that have changed meanwhile stay due."""

    async def postpone(self, leases: Iterable[Lease], seconds: float) -> None:
        """Make those that are still leased due again after so many seconds."""

    async def due_in(self, region: str) -> float | None:
        """Seconds until the next row is due; None if there is none."""

    async def waiting_seconds(self, region: str) -> float:
        """Return the age of the oldest row, however often it was tried; 0 if there is none."""


class MongoReplicationQueue:
    """The field `peer` names the region."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._rows: Collection = database["replication"]
        self._queue = LeaseQueue(self._rows, "accounts replication", lease_seconds=lease_seconds, legacy_owner="lease")

    async def create_indexes(self) -> None:
        times = ("due_at", "since")
        await self._rows.create_indexes([IndexModel([("peer", ASCENDING), (time, ASCENDING)]) for time in times])

    async def add(self, regions: AnyCollection[str], revisions: Mapping[str, int], transaction: Transaction) -> None:
        writes = [
            UpdateOne({"_id": _row_id(region, account_id)}, _adding(region, account_id, revision), upsert=True)
            for region in regions
            for account_id, revision in revisions.items()
        ]
        if writes:
            await self._rows.bulk_write(writes, ordered=False, session=transaction.session)

    async def claim(self, region: str, limit: int) -> dict[str, Lease]:
        leases = await self._queue.claim_batch(limit, {"peer": region})
        return {lease.document["account_id"]: lease for lease in leases}

    async def complete(self, region: str, leases: Iterable[Lease], revisions: Mapping[str, int]) -> None:
        held = list(leases)
        # A revision that the region has need not be sent again by anyone: no lease is checked.
        known = [
            DeleteOne({"_id": _row_id(region, account_id), "revision": {"$lte": revision}})
            for account_id, revision in revisions.items()
        ]
        if known:
            await self._rows.bulk_write(known, ordered=False)
        ids = [lease.id for lease in held]
        changed = {row["_id"] async for row in self._rows.find({"_id": {"$in": ids}}, {"_id": 1})}
        self._queue.count_completed(len(held) - len(changed))
        if changed:
            await self.postpone([lease for lease in held if lease.id in changed], 0.0)

    async def postpone(self, leases: Iterable[Lease], seconds: float) -> None:
        await self._queue.postpone_batch(list(leases), seconds)

    async def due_in(self, region: str) -> float | None:
        return await self._queue.due_in({"peer": region})

    async def waiting_seconds(self, region: str) -> float:
        oldest: list[Document] = [{"$match": {"peer": region}}, {"$sort": {"since": ASCENDING}}, {"$limit": 1}]
        waited = {"$subtract": ["$$NOW", {"$ifNull": ["$since", "$due_at"]}]}
        async for row in self._rows.aggregate([*oldest, {"$project": {"waited": waited}}]):
            return max(0.0, float(row["waited"]) / 1000)
        return 0.0


def _adding(region: str, account_id: str, revision: int) -> list[Document]:
    """Keep when the row was added and its lease; the highest revision counts."""
    kept = {"since": "$$NOW", "due_at": "$$NOW", "attempts": 0}
    row: Document = {name: {"$ifNull": [f"${name}", value]} for name, value in kept.items()}
    row |= {"peer": {"$literal": region}, "account_id": {"$literal": account_id}}
    return [{"$set": {**row, "revision": {"$max": ["$revision", revision]}}}]


def _row_id(region: str, account_id: str) -> str:
    return f"{region}/{account_id}"
