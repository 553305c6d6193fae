"""Blocks and block lists in MongoDB."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from docstore_contents.block_list import block_key
from docstore_events.transaction import Transactor
from docstore_platform.chunks import chunks
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import (
    ASCENDING,
    BulkWriteError,
    Collection,
    Database,
    Document,
    IndexModel,
    Session,
    UpdateOne,
)
from docstore_upload.blocks.discarded_repository import MongoDiscardedObjects
from docstore_upload.blocks.ports import Awaited, BlocksGone
from docstore_upload.blocks.rules import MAX_FRAME_BYTES, KnownBlock, References
from docstore_upload.cold_objects.ports import ColdObjects
from docstore_upload.lifecycle.repository import LEASE_SECONDS, merged, work_queue

DUPLICATE_KEY = 11000
CHUNK = 2000
"""Rows in one command."""
T = TypeVar("T")


def row_id(account_id: str, block_hash: str) -> str:
    return f"{account_id}.{block_hash}"


def _known(row: Document) -> KnownBlock:
    return KnownBlock(row["_id"].rpartition(".")[2], row["key"], row["state"], row.get("size"), row.get("bytes"))


def _of_account(account_id: str) -> Document:
    """Filter for every row of an account; `/` is the character after the dot."""
    return {"$gte": f"{account_id}.", "$lt": f"{account_id}/"}


_FIELDS = {"key": 1, "state": 1, "size": 1, "bytes": 1}
_BYTES = {"$ifNull": ["$bytes", {"$ifNull": ["$size", MAX_FRAME_BYTES]}]}
"""Rows of before the stored size was recorded have the plain size only."""
_UNCLAIMED = {"refs": 0}


async def unused_blocks(collection: Collection, ids: Sequence[str], session: Session) -> list[str]:
    """Object keys of those of the blocks, by row id, that only unused lists refer to."""
    unused: Document = {"refs": {"$gt": 0}, "$expr": {"$eq": ["$refs", "$idle"]}}
    keys: list[str] = []
    for some in chunks(ids, CHUNK):
        rows = collection.find({"_id": {"$in": some}} | unused, {"key": 1}, session=session)
        keys += [row["key"] async for row in rows]
    return keys


class MongoBlocks(MongoDiscardedObjects):
    """Collections `blocks` (a row per block of an account) and `block_lists`, beside `discarded`."""

    def __init__(
        self,
        database: Database,
        transactor: Transactor,
        cold_objects: ColdObjects,
        lease_seconds: float = LEASE_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(database, cold_objects, lease_seconds, clock)
        self._blocks: Collection = database["blocks"]
        self._lists: Collection = database["block_lists"]
        self._unused: Collection = database["unused"]
        self._transactor = transactor
        self._awaited = work_queue(self._blocks, "unsized blocks", lease_seconds, clock)

    async def create_indexes(self) -> None:
        await super().create_indexes()
        await self._blocks.create_indexes(
            [
                IndexModel([("touched_at", ASCENDING)], name="unreferenced", partialFilterExpression=_UNCLAIMED),
                IndexModel(
                    [("_id", ASCENDING), ("bytes", ASCENDING), ("size", ASCENDING)],
                    name="unclaimed",
                    partialFilterExpression=_UNCLAIMED,
                ),
                IndexModel("next_check_at", sparse=True),
            ]
        )

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        known: dict[str, KnownBlock] = {}
        for ids in chunks([row_id(account_id, name) for name in hashes], CHUNK):
            # First, so that what is read afterwards is younger than any row that may be collected.
            await self._blocks.update_many({"_id": {"$in": ids}}, {"$max": {"touched_at": now}})
            async for row in self._blocks.find({"_id": {"$in": ids}}, _FIELDS):
                block = _known(row)
                known[block.hash] = block
        return known

    async def add(self, account_id: str, stored_bytes: Mapping[str, int], now: datetime) -> dict[str, KnownBlock]:
        added: dict[str, KnownBlock] = {}
        for names in chunks(list(stored_bytes), CHUNK):
            rows = [
                {
                    "_id": row_id(account_id, name),
                    "key": block_key(account_id, name, new_id()),
                    "state": "pending",
                    "refs": 0,
                    "touched_at": now,
                    "bytes": stored_bytes[name],
                }
                for name in names
            ]
            try:
                await self._blocks.insert_many(rows, ordered=False)
                added |= {name: _known(row) for name, row in zip(names, rows, strict=True)}
            except BulkWriteError as error:
                if any(failed["code"] != DUPLICATE_KEY for failed in (error.details or {}).get("writeErrors", [])):
                    raise
                added |= await self.touch(account_id, names, now)
        return added

    async def expect(self, account_id: str, stored_bytes: Mapping[str, int]) -> None:
        changes = [
            UpdateOne({"_id": row_id(account_id, name), "state": "pending"}, {"$max": {"bytes": size}})
            for name, size in stored_bytes.items()
        ]
        if changes:
            await self._blocks.bulk_write(changes, ordered=False)

    async def plan_check(self, account_id: str, hashes: Iterable[str], at: datetime | None) -> None:
        pending = {"_id": {"$in": [row_id(account_id, name) for name in hashes]}, "state": "pending"}
        await self._blocks.update_many(pending, self._awaited.due(at))

    async def claim_due_checks(self, limit: int) -> list[Awaited]:
        rows = [lease.document for lease in await self._awaited.claim_batch(limit)]
        return [Awaited(row["_id"].rpartition(".")[0], _known(row), row["touched_at"]) for row in rows]

    async def mark_stored(self, account_id: str, arrived: Sequence[KnownBlock]) -> None:
        for some in chunks(arrived, CHUNK):
            changes = [
                UpdateOne(
                    {"_id": row_id(account_id, block.hash), "key": block.key, "state": "pending"},
                    merged(
                        {"$set": {"state": "stored", "size": block.size, "bytes": block.stored_bytes}},
                        self._awaited.due(None),
                    ),
                )
                for block in some
            ]
            await self._blocks.bulk_write(changes, ordered=False)

    async def replace(
        self, account_id: str, wrong: KnownBlock, now: datetime, writable_until: datetime, found_bytes: int = 0
    ) -> None:
        key = block_key(account_id, wrong.hash, new_id())
        pending = {"_id": row_id(account_id, wrong.hash), "key": wrong.key, "state": "pending"}
        change = merged({"$set": {"key": key, "touched_at": now}}, self._awaited.due(None))

        async def work(session: Session) -> None:
            if (await self._blocks.update_one(pending, change, session=session)).matched_count:
                await self._discard({wrong.key: writable_until}, now, session, found_bytes)

        await self._atomically(work)

    async def unclaimed_bytes(self, account_id: str) -> int:
        stages: list[Document] = [
            {"$match": {"_id": _of_account(account_id), **_UNCLAIMED}},
            {"$group": {"_id": None, "bytes": {"$sum": _BYTES}}},
        ]
        rows = await self._blocks.aggregate(stages, hint="unclaimed").to_list(None)
        return int(rows[0]["bytes"]) if rows else 0

    async def unclaimed_by_account(self) -> dict[str, int]:
        account = {"$arrayElemAt": [{"$split": ["$_id", "."]}, 0]}
        stages: list[Document] = [{"$match": _UNCLAIMED}, {"$group": {"_id": account, "bytes": {"$sum": _BYTES}}}]
        rows = await self._blocks.aggregate(stages, hint="unclaimed").to_list(None)
        return {row["_id"]: int(row["bytes"]) for row in rows}

    async def withdraw(self, account_id: str, hashes: Iterable[str], now: datetime, writable_until: datetime) -> int:
        unneeded = {"_id": {"$in": [row_id(account_id, name) for name in hashes]}, **_UNCLAIMED}

        async def work(session: Session) -> int:
            rows = await self._blocks.find(unneeded, {"key": 1}, session=session).to_list(None)
            return await self._drop(rows, {row["key"]: writable_until for row in rows}, now, session)

        return await self._atomically(work)

    async def longest_untouched(self, account_id: str, before: datetime, limit: int) -> list[KnownBlock]:
        unneeded = {"_id": _of_account(account_id), "touched_at": {"$lt": before}, **_UNCLAIMED}
        rows = self._blocks.find(unneeded, _FIELDS).sort("touched_at", ASCENDING).limit(limit)
        return [_known(row) for row in await rows.to_list(limit)]

    async def refer(self, references: References, now: datetime, session: Session) -> None:
        for some in chunks(list(references.keys.items()), CHUNK):
            there = {
                "_id": {"$in": [row_id(references.account_id, name) for name, _ in some]},
                "key": {"$in": [key for _, key in some]},
                "state": "stored",
            }
            change = {"$inc": {"refs": 1}, "$max": {"touched_at": now}}
            if (await self._blocks.update_many(there, change, session=session)).matched_count != len(some):
                raise BlocksGone
        row: Document = {"_id": references.list_key, "account_id": references.account_id, "referred_at": now}
        if not await self._cold.withdraw(references.keys.values(), session):
            row["archived"] = True  # some must be retrieved before this content is read
        await self._lists.insert_one(row, session=session)

    async def owner_of(self, list_key: str) -> str | None:
        row = await self._lists.find_one({"_id": list_key})
        return str(row["account_id"]) if row else None

    async def release(self, list_key: str, account_id: str, hashes: Iterable[str], now: datetime) -> bool:
        ids = [row_id(account_id, name) for name in set(hashes)]

        async def work(session: Session) -> bool:
            row = await self._lists.find_one_and_delete({"_id": list_key}, session=session)
            if row is None:
                return False
            await self._unused.delete_one({"_id": list_key}, session=session)
            dropped = {"refs": -1, "idle": -1} if row.get("idle") else {"refs": -1}
            for some in chunks(ids, CHUNK):
                await self._blocks.update_many({"_id": {"$in": some}}, {"$inc": dropped}, session=session)
            if not row.get("idle"):
                await self._cold.enlist(await unused_blocks(self._blocks, ids, session), now, session)
            await self._discard({list_key: None}, now, session)
            return True

        return await self._atomically(work)

    async def keys_of(self, blocks: Iterable[tuple[str, str]]) -> list[str]:
        ids = [row_id(account_id, name) for account_id, name in blocks]
        return [row["key"] async for row in self._blocks.find({"_id": {"$in": ids}}, {"key": 1})]

    async def give_up(self, before: datetime, now: datetime, put_life: timedelta, limit: int) -> int:
        unneeded: Document = {"refs": 0, "touched_at": {"$lt": before}}
        if await self._blocks.find_one(unneeded, {"_id": 1}) is None:
            return 0

        async def work(session: Session) -> int:
            found = self._blocks.find(unneeded, {"key": 1, "touched_at": 1}, session=session).limit(limit)
            rows = await found.to_list(limit)
            return await self._drop(rows, {row["key"]: row["touched_at"] + put_life for row in rows}, now, session)

        return await self._atomically(work)

    async def _drop(
        self, rows: Sequence[Document], writable_until: Mapping[str, datetime], now: datetime, session: Session
    ) -> int:
        if rows:
            # A concurrent reference to one of them makes one of the two transactions fail.
            await self._blocks.delete_many({"_id": {"$in": [row["_id"] for row in rows]}}, session=session)
            await self._discard(writable_until, now, session)
        return len(rows)

    async def _atomically(self, work: Callable[[Session], Awaitable[T]]) -> T:
        return await self._transactor.run(lambda transaction: work(transaction.session))
