"""Blocks and who refers to them, in MongoDB.

What keeps a block that is needed from being deleted:
- A block list takes its references in one transaction with the claim of its upload: +1 on each of its blocks, only
  where the block is still stored under the very key that the list names. So it is all of them, or none.
- A row is given up only while nothing refers to it, in a transaction that also notes its key as discarded. Of two such
  transactions one fails: either the block is referred to, or the list is not taken.
- A key once discarded comes back in no row: a block sent again has another key. So it can be deleted at any time after.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
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
from docstore_upload.blocks import KnownBlock, References
from docstore_upload.storage import take_due

DUPLICATE_KEY = 11000
CHUNK = 2000
"""Rows in one command."""

T = TypeVar("T")


class BlocksGone(Exception):
    """Some of the blocks that are to be referred to are not stored under these keys any more."""


class Blocks(Protocol):
    """Where blocks, the lists that refer to them and discarded keys are kept. Each method is atomic."""

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        """Those of `hashes` that this account has, none of which will be given up for a while from `now` on."""
        ...

    async def add(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        """Make these wanted, each under a fresh key, unless somebody just did."""
        ...

    async def mark_stored(self, account_id: str, arrived: Sequence[tuple[KnownBlock, int]]) -> None:
        """Note of blocks that have arrived how many plain bytes they are."""
        ...

    async def replace(self, account_id: str, wrong: KnownBlock, now: datetime, delete_at: datetime) -> None:
        """Want a block again that came as no block can be: under a new key. The old one is deleted at `delete_at`."""
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

    async def give_up(self, before: datetime, delete_at: datetime, limit: int) -> int:
        """Discard up to `limit` blocks that nothing refers to and that nobody asked for since `before`."""
        ...

    async def delete_later(self, moments: Mapping[str, datetime]) -> None:
        """Have the objects under these keys deleted at the moment given for each; again, it changes nothing."""
        ...

    async def take_discarded(self, now: datetime, limit: int, lease_until: datetime) -> list[str]:
        """Keys of objects to be deleted, for this caller alone until `lease_until`; then they are due again."""
        ...

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        """Their objects are deleted."""
        ...


def row_id(account_id: str, block_hash: str) -> str:
    return f"{account_id}.{block_hash}"


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _known(row: Document) -> KnownBlock:
    return KnownBlock(row["_id"].rpartition(".")[2], row["key"], row["state"], row.get("size"))


class MongoBlocks:
    """`blocks`: a row for each block of an account; `block_lists`; `discarded`: keys of objects to be deleted."""

    def __init__(self, database: Database, transactor: Transactor) -> None:
        self._blocks: Collection = database["blocks"]
        self._lists: Collection = database["block_lists"]
        self._discarded: Collection = database["discarded"]
        self._transactor = transactor

    async def create_indexes(self) -> None:
        await self._blocks.create_indexes(
            [IndexModel([("touched_at", ASCENDING)], name="unreferenced", partialFilterExpression={"refs": 0})]
        )
        await self._discarded.create_indexes([IndexModel("next_check_at")])

    async def touch(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        known: dict[str, KnownBlock] = {}
        for ids in _chunks([row_id(account_id, name) for name in hashes]):
            # First, so that what is read is younger than any row that may be given up.
            await self._blocks.update_many({"_id": {"$in": ids}}, {"$max": {"touched_at": now}})
            async for row in self._blocks.find({"_id": {"$in": ids}}, {"key": 1, "state": 1, "size": 1}):
                block = _known(row)
                known[block.hash] = block
        return known

    async def add(self, account_id: str, hashes: Iterable[str], now: datetime) -> dict[str, KnownBlock]:
        added: dict[str, KnownBlock] = {}
        for names in _chunks(list(hashes)):
            rows = [
                {
                    "_id": row_id(account_id, name),
                    "key": block_key(account_id, name, new_id()),
                    "state": "pending",
                    "refs": 0,
                    "touched_at": now,
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

    async def mark_stored(self, account_id: str, arrived: Sequence[tuple[KnownBlock, int]]) -> None:
        for some in _chunks(arrived):
            changes = [
                UpdateOne(
                    {"_id": row_id(account_id, block.hash), "key": block.key, "state": "pending"},
                    {"$set": {"state": "stored", "size": size}},
                )
                for block, size in some
            ]
            await self._blocks.bulk_write(changes, ordered=False)

    async def replace(self, account_id: str, wrong: KnownBlock, now: datetime, delete_at: datetime) -> None:
        key = block_key(account_id, wrong.hash, new_id())
        pending = {"_id": row_id(account_id, wrong.hash), "key": wrong.key, "state": "pending"}

        async def work(session: Session) -> None:
            changed = await self._blocks.update_one(pending, {"$set": {"key": key, "touched_at": now}}, session=session)
            if changed.matched_count:
                await self._discard([wrong.key], delete_at, session)

        await self._atomically(work)

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
            await self._discard([list_key], now, session)
            return True

        return await self._atomically(work)

    async def give_up(self, before: datetime, delete_at: datetime, limit: int) -> int:
        unneeded: Document = {"refs": 0, "touched_at": {"$lt": before}}
        if await self._blocks.find_one(unneeded, {"_id": 1}) is None:
            return 0

        async def work(session: Session) -> int:
            rows = await self._blocks.find(unneeded, {"key": 1}, session=session).limit(limit).to_list(limit)
            if not rows:
                return 0
            # Whoever refers to one of them at the same time makes this transaction, or theirs, fail.
            await self._blocks.delete_many({"_id": {"$in": [row["_id"] for row in rows]}}, session=session)
            await self._discard([row["key"] for row in rows], delete_at, session)
            return len(rows)

        return await self._atomically(work)

    async def delete_later(self, moments: Mapping[str, datetime]) -> None:
        changes = [
            UpdateOne({"_id": key}, {"$set": {"next_check_at": moment}}, upsert=True) for key, moment in moments.items()
        ]
        if changes:
            await self._discarded.bulk_write(changes, ordered=False)

    async def take_discarded(self, now: datetime, limit: int, lease_until: datetime) -> list[str]:
        return [row["_id"] for row in await take_due(self._discarded, now, limit, lease_until)]

    async def forget_discarded(self, keys: Sequence[str]) -> None:
        await self._discarded.delete_many({"_id": {"$in": list(keys)}})

    async def _discard(self, keys: Sequence[str], delete_at: datetime, session: Session) -> None:
        rows = [{"_id": key, "next_check_at": delete_at} for key in keys]
        await self._discarded.insert_many(rows, ordered=False, session=session)

    async def _atomically(self, work: Callable[[Session], Awaitable[T]]) -> T:
        return await self._transactor.run(lambda transaction: work(transaction.session))
