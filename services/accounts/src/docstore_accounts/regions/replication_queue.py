"""Accounts that another region has still to receive: a row for each account and region, in MongoDB."""

from collections.abc import Collection as AnyCollection
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from docstore_events.transaction import Transaction
from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Collection, Database, DeleteOne, IndexModel, UpdateOne


@dataclass(frozen=True, slots=True)
class Taken:
    """Accounts whose state one instance is about to send to a region, until its lease ends."""

    lease: str
    account_ids: tuple[str, ...]


class ReplicationQueue(Protocol):
    """A row means that a region may not know an account's state of some revision; the state is read when it is sent."""

    async def add(
        self, regions: AnyCollection[str], revisions: Mapping[str, int], now: datetime, transaction: Transaction
    ) -> None:
        """Queue these accounts, by id, in at least these revisions, for each of the regions."""
        ...

    async def take(self, region: str, limit: int, now: datetime, until: datetime) -> Taken: ...

    async def told(self, region: str, taken: Taken, revisions: Mapping[str, int], now: datetime) -> None:
        """The region has these revisions now. What has changed meanwhile, or was left out, is due again."""
        ...

    async def put_off(self, region: str, taken: Taken, account_ids: Sequence[str], until: datetime) -> None: ...

    async def next_at(self, region: str) -> datetime | None:
        """When the next row is due; None if there is none."""
        ...

    async def waiting_since(self, region: str) -> datetime | None:
        """When the oldest row was added, however often it was tried since; None if there is none."""
        ...


class MongoReplicationQueue:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["replication"]

    async def create_indexes(self) -> None:
        times = ("due_at", "since")
        await self._rows.create_indexes([IndexModel([("peer", ASCENDING), (time, ASCENDING)]) for time in times])

    async def add(
        self, regions: AnyCollection[str], revisions: Mapping[str, int], now: datetime, transaction: Transaction
    ) -> None:
        writes = [
            UpdateOne(
                {"_id": _row_id(region, account_id)},
                {
                    "$max": {"revision": revision},
                    "$setOnInsert": {
                        "peer": region,
                        "account_id": account_id,
                        "since": now,
                        "due_at": now,
                        "lease": "",
                    },
                },
                upsert=True,
            )
            for region in regions
            for account_id, revision in revisions.items()
        ]
        if writes:
            await self._rows.bulk_write(writes, ordered=False, session=transaction.session)

    async def take(self, region: str, limit: int, now: datetime, until: datetime) -> Taken:
        due = {"peer": region, "due_at": {"$lte": now}}
        ids = [row["_id"] async for row in self._rows.find(due, {"_id": 1}).sort("due_at", 1).limit(limit)]
        lease = new_id()
        if not ids:
            return Taken(lease, ())
        mine = {"$set": {"due_at": until, "lease": lease}}
        await self._rows.update_many({"_id": {"$in": ids}, "due_at": {"$lte": now}}, mine)
        rows = self._rows.find({"_id": {"$in": ids}, "lease": lease}, {"account_id": 1})
        return Taken(lease, tuple([row["account_id"] async for row in rows]))

    async def told(self, region: str, taken: Taken, revisions: Mapping[str, int], now: datetime) -> None:
        # Whoever sent it, a revision that the region has need not be sent again: no lease is checked for this.
        known = [
            DeleteOne({"_id": _row_id(region, account_id), "revision": {"$lte": revision}})
            for account_id, revision in revisions.items()
        ]
        if known:
            await self._rows.bulk_write(known, ordered=False)
        await self.put_off(region, taken, list(revisions), now)

    async def put_off(self, region: str, taken: Taken, account_ids: Sequence[str], until: datetime) -> None:
        ids = [_row_id(region, account_id) for account_id in account_ids]
        mine = {"_id": {"$in": ids}, "lease": taken.lease}
        await self._rows.update_many(mine, {"$set": {"due_at": until, "lease": ""}})

    async def next_at(self, region: str) -> datetime | None:
        row = await self._rows.find_one({"peer": region}, {"due_at": 1}, sort=[("due_at", 1)])
        return row["due_at"] if row else None

    async def waiting_since(self, region: str) -> datetime | None:
        row = await self._rows.find_one({"peer": region}, {"since": 1, "due_at": 1}, sort=[("since", 1)])
        return row.get("since", row["due_at"]) if row else None


def _row_id(region: str, account_id: str) -> str:
    return f"{region}/{account_id}"
