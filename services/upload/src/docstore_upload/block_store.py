"""Blocks and who refers to them, in MongoDB.

What keeps a block that is needed from being deleted:
- A block list takes its references in one transaction with the claim of its upload: +1 on each of its blocks, only
  where the block is still stored under the very key that the list names. So it is all of them, or none.
- A row is given up only while nothing refers to it, in a transaction that also notes its key as discarded. Of two such
  transactions one fails: either the block is referred to, or the list is not taken.
- A key once discarded comes back in no row: a block sent again has another key. So it can be deleted at any time after.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from docstore_events.transaction import Transactor
from docstore_platform.block_list import block_key
from docstore_platform.ids import new_id
from docstore_platform.mongo import (
    ASCENDING,
    BulkWriteError,
    Collection,
    Database,
    Document,
    IndexModel,
    Session,
    UpdateOne,
)
from docstore_upload.blocks import MAX_FRAME_BYTES, KnownBlock, References
from docstore_upload.storage import take_due

DUPLICATE_KEY = 11000
CHUNK = 2000
"""Rows in one command."""

T = TypeVar("T")


class BlocksGone(Exception):
    """Some of the blocks that are to be referred to are not stored under these keys any more."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """The key of an object of no use. Signed PUTs of a first write may work until `writable_until`."""

    key: str
    writable_until: datetime | None = None


class Blocks(Protocol):
    """Where blocks, the lists that refer to them and discarded keys are kept. Each method is atomic."""

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        """Those of `hashes` that this account has, none of which will be given up for a while from `now` on."""
        ...

    async def add(self, account_id: str, stored_bytes: Mapping[str, int], now: datetime) -> dict[str, KnownBlock]:
        """Make these wanted, each under a fresh key, unless somebody just did; by hash, what its URL may store."""
        ...

    async def expect(self, account_id: str, stored_bytes: Mapping[str, int]) -> None:
        """Note what further URLs of pending blocks may store, where that is more than was noted."""
        ...

    async def look_again(self, account_id: str, hashes: Iterable[str], at: datetime | None) -> None:
        """Have pending blocks looked for at `at`, whoever asks for them; None: never again."""
        ...

    async def take_unlooked(self, now: datetime, limit: int, lease_until: datetime) -> list[tuple[str, KnownBlock]]:
        """Pending blocks to be looked for now, each with its account; due again at the end of the lease."""
        ...

    async def mark_stored(self, account_id: str, arrived: Sequence[KnownBlock]) -> None:
        """Note of blocks that have arrived how many plain bytes they are and how many are stored."""
        ...

    async def replace(
        self, account_id: str, wrong: KnownBlock, now: datetime, writable_until: datetime, found_bytes: int = 0
    ) -> None:
        """Want a block again that came as no block can be: under a new key. The old one is discarded."""
        ...

    async def has_sent_too_much(self, account_id: str, now: datetime) -> bool:
        """Whether an account's URL that still works stored more than any block has."""
        ...

    async def unclaimed_bytes(self, account_id: str) -> int:
        """What an account's blocks that nothing refers to may take in the store."""
        ...

    async def unclaimed_by_account(self) -> dict[str, int]:
        """The same, of every account that has any."""
        ...

    async def withdraw(self, account_id: str, hashes: Iterable[str], now: datetime, writable_until: datetime) -> int:
        """Discard those that nothing refers to; how many those were."""
        ...

    async def longest_untouched(self, account_id: str, before: datetime, limit: int) -> list[KnownBlock]:
        """Blocks of an account that nothing refers to and nobody asked for since `before`, the oldest first."""
        ...

    async def refer(self, references: References, now: datetime, session: Session) -> None:
        """Take the references of a list in the transaction of `session`; BlocksGone unless all blocks are there."""
        ...

    async def owner_of(self, list_key: str) -> str | None:
        """Whose blocks a list refers to; None if it does not, any more."""
        ...

    async def release(self, list_key: str, account_id: str, hashes: Iterable[str], now: datetime) -> bool:
        """Give back the references of a list, once, and discard its object. Whether it was this call that did."""
        ...

    async def keys_of(self, blocks: Iterable[tuple[str, str]]) -> list[str]:
        """Keys of the objects of these blocks, by account and hash."""
        ...

    async def discarded_among(self, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that are to be deleted."""
        ...

    async def give_up(self, before: datetime, now: datetime, put_life: timedelta, limit: int) -> int:
        """Discard up to `limit` blocks that nothing refers to and that nobody asked for since `before`.

        A URL that was given when a block was asked for may store until `put_life` after that.
        """
        ...

    async def discard(self, writable_until: Mapping[str, datetime], now: datetime) -> None:
        """Have the objects under these keys deleted, and kept away until then; again, it changes nothing."""
        ...

    async def take_discarded(self, now: datetime, limit: int, lease_until: datetime) -> list[Discarded]:
        """Objects to be deleted, for this caller alone until `lease_until`; then they are due again."""
        ...

    async def delete_again(self, discarded: Sequence[Discarded]) -> None:
        """They have tombstones, and are due again once nobody can write there any more."""
        ...

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        """Their objects are deleted."""
        ...


def row_id(account_id: str, block_hash: str) -> str:
    return f"{account_id}.{block_hash}"


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _known(row: Document) -> KnownBlock:
    return KnownBlock(row["_id"].rpartition(".")[2], row["key"], row["state"], row.get("size"), row.get("bytes"))


def _of_account(account_id: str) -> Document:
    """Every row of an account; `/` is the character after the dot."""
    return {"$gte": f"{account_id}.", "$lt": f"{account_id}/"}


_FIELDS = {"key": 1, "state": 1, "size": 1, "bytes": 1}
_BYTES = {"$ifNull": ["$bytes", {"$ifNull": ["$size", MAX_FRAME_BYTES]}]}
"""Rows of blocks that were stored before their size was noted have the plain size."""
_UNCLAIMED = {"refs": 0}


class MongoBlocks:
    """`blocks`: a row for each block of an account; `block_lists`; `discarded`: keys of objects to be deleted."""

    def __init__(self, database: Database, transactor: Transactor) -> None:
        self._blocks: Collection = database["blocks"]
        self._lists: Collection = database["block_lists"]
        self._discarded: Collection = database["discarded"]
        self._transactor = transactor

    async def create_indexes(self) -> None:
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
        await self._discarded.create_indexes([IndexModel("next_check_at")])

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        known: dict[str, KnownBlock] = {}
        for ids in _chunks([row_id(account_id, name) for name in hashes]):
            # First, so that what is read is younger than any row that may be given up.
            await self._blocks.update_many({"_id": {"$in": ids}}, {"$max": {"touched_at": now}})
            async for row in self._blocks.find({"_id": {"$in": ids}}, _FIELDS):
                block = _known(row)
                known[block.hash] = block
        return known

    async def add(self, account_id: str, stored_bytes: Mapping[str, int], now: datetime) -> dict[str, KnownBlock]:
        added: dict[str, KnownBlock] = {}
        for names in _chunks(list(stored_bytes)):
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

    async def look_again(self, account_id: str, hashes: Iterable[str], at: datetime | None) -> None:
        pending = {"_id": {"$in": [row_id(account_id, name) for name in hashes]}, "state": "pending"}
        change: Document = {"$unset": {"next_check_at": 1, "lease": 1}}
        if at is not None:
            change = {"$set": {"next_check_at": at}, "$unset": {"lease": 1}}
        await self._blocks.update_many(pending, change)

    async def take_unlooked(self, now: datetime, limit: int, lease_until: datetime) -> list[tuple[str, KnownBlock]]:
        rows = await take_due(self._blocks, now, limit, lease_until)
        return [(row["_id"].rpartition(".")[0], _known(row)) for row in rows]

    async def mark_stored(self, account_id: str, arrived: Sequence[KnownBlock]) -> None:
        for some in _chunks(arrived):
            changes = [
                UpdateOne(
                    {"_id": row_id(account_id, block.hash), "key": block.key, "state": "pending"},
                    {
                        "$set": {"state": "stored", "size": block.size, "bytes": block.stored_bytes},
                        "$unset": {"next_check_at": 1, "lease": 1},
                    },
                )
                for block in some
            ]
            await self._blocks.bulk_write(changes, ordered=False)

    async def replace(
        self, account_id: str, wrong: KnownBlock, now: datetime, writable_until: datetime, found_bytes: int = 0
    ) -> None:
        key = block_key(account_id, wrong.hash, new_id())
        pending = {"_id": row_id(account_id, wrong.hash), "key": wrong.key, "state": "pending"}
        change = {"$set": {"key": key, "touched_at": now}, "$unset": {"next_check_at": 1, "lease": 1}}

        async def work(session: Session) -> None:
            if (await self._blocks.update_one(pending, change, session=session)).matched_count:
                await self._discard({wrong.key: writable_until}, now, session, found_bytes)

        await self._atomically(work)

    async def has_sent_too_much(self, account_id: str, now: datetime) -> bool:
        keys = f"accounts/{account_id}/blocks"
        too_much = {"_id": {"$gte": f"{keys}/", "$lt": f"{keys}0"}, "bytes": {"$gt": MAX_FRAME_BYTES}}
        return await self._discarded.find_one(too_much | {"writable_until": {"$gt": now}}, {"_id": 1}) is not None

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
        for some in _chunks(list(references.keys.items())):
            there = {
                "_id": {"$in": [row_id(references.account_id, name) for name, _ in some]},
                "key": {"$in": [key for _, key in some]},
                "state": "stored",
            }
            change = {"$inc": {"refs": 1}, "$max": {"touched_at": now}}
            if (await self._blocks.update_many(there, change, session=session)).matched_count != len(some):
                raise BlocksGone
        row = {"_id": references.list_key, "account_id": references.account_id, "referred_at": now}
        await self._lists.insert_one(row, session=session)

    async def owner_of(self, list_key: str) -> str | None:
        row = await self._lists.find_one({"_id": list_key})
        return str(row["account_id"]) if row else None

    async def release(self, list_key: str, account_id: str, hashes: Iterable[str], now: datetime) -> bool:
        ids = [row_id(account_id, name) for name in set(hashes)]

        async def work(session: Session) -> bool:
            if not (await self._lists.delete_one({"_id": list_key}, session=session)).deleted_count:
                return False
            for some in _chunks(ids):
                await self._blocks.update_many({"_id": {"$in": some}}, {"$inc": {"refs": -1}}, session=session)
            await self._discard({list_key: None}, now, session)
            return True

        return await self._atomically(work)

    async def keys_of(self, blocks: Iterable[tuple[str, str]]) -> list[str]:
        ids = [row_id(account_id, name) for account_id, name in blocks]
        return [row["key"] async for row in self._blocks.find({"_id": {"$in": ids}}, {"key": 1})]

    async def discarded_among(self, keys: Iterable[str]) -> list[str]:
        return [row["_id"] async for row in self._discarded.find({"_id": {"$in": list(keys)}}, {"_id": 1})]

    async def give_up(self, before: datetime, now: datetime, put_life: timedelta, limit: int) -> int:
        unneeded: Document = {"refs": 0, "touched_at": {"$lt": before}}
        if await self._blocks.find_one(unneeded, {"_id": 1}) is None:
            return 0

        async def work(session: Session) -> int:
            found = self._blocks.find(unneeded, {"key": 1, "touched_at": 1}, session=session).limit(limit)
            rows = await found.to_list(limit)
            return await self._drop(rows, {row["key"]: row["touched_at"] + put_life for row in rows}, now, session)

        return await self._atomically(work)

    async def discard(self, writable_until: Mapping[str, datetime], now: datetime) -> None:
        changes = [
            UpdateOne({"_id": key}, {"$set": {"next_check_at": now, "writable_until": moment}}, upsert=True)
            for key, moment in writable_until.items()
        ]
        if changes:
            await self._discarded.bulk_write(changes, ordered=False)

    async def take_discarded(self, now: datetime, limit: int, lease_until: datetime) -> list[Discarded]:
        rows = await take_due(self._discarded, now, limit, lease_until)
        return [Discarded(row["_id"], row.get("writable_until")) for row in rows]

    async def delete_again(self, discarded: Sequence[Discarded]) -> None:
        changes = [
            UpdateOne({"_id": each.key}, {"$set": {"next_check_at": each.writable_until}, "$unset": {"lease": 1}})
            for each in discarded
        ]
        await self._discarded.bulk_write(changes, ordered=False)

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        await self._discarded.delete_many({"_id": {"$in": list(keys)}})

    async def _drop(
        self, rows: Sequence[Document], writable_until: Mapping[str, datetime], now: datetime, session: Session
    ) -> int:
        if rows:
            # Whoever refers to one of them at the same time makes this transaction, or theirs, fail.
            await self._blocks.delete_many({"_id": {"$in": [row["_id"] for row in rows]}}, session=session)
            await self._discard(writable_until, now, session)
        return len(rows)

    async def _discard(
        self, writable_until: Mapping[str, datetime | None], now: datetime, session: Session, found_bytes: int = 0
    ) -> None:
        rows: list[Document] = [{"_id": key, "next_check_at": now} for key in writable_until]
        for row in rows:
            until = writable_until[row["_id"]]
            if until is not None and until > now:
                row["writable_until"] = until
            if found_bytes:
                row["bytes"] = found_bytes
        await self._discarded.insert_many(rows, ordered=False, session=session)

    async def _atomically(self, work: Callable[[Session], Awaitable[T]]) -> T:
        return await self._transactor.run(lambda transaction: work(transaction.session))
