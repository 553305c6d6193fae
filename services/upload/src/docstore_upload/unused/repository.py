"""Contents that have not been read for long, in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from docstore_contents.packs import pack_key, pack_of
from docstore_contents.reader import is_whole
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.chunks import chunks
from docstore_platform.mongodb.client import Collection, Database, Session
from docstore_upload.blocks.repository import CHUNK, row_id, unused_blocks
from docstore_upload.cold_objects.repository import MongoColdObjects
from docstore_upload.unused.ports import Content


class MongoUnusedContents:
    """Collection `unused`: a row for each content that is or was unused, with its last `turn`.

    A block is unused while as many unused lists refer to it (`idle` of its row) as lists at all (`refs`). So new lists
    and those of earlier releases count as used.
    """

    def __init__(self, database: Database, transactor: Transactor, objects: MongoColdObjects) -> None:
        self._contents: Collection = database["unused"]
        self._blocks: Collection = database["blocks"]
        self._lists: Collection = database["block_lists"]
        self._packs: Collection = database["packs"]
        self._objects = objects
        self._transactor = transactor

    async def to_check(self, keys: Sequence[str]) -> list[str]:
        among = {"_id": {"$in": list(keys)}}
        idle = [row["_id"] async for row in self._contents.find(among | {"idle": True}, {"_id": 1})]
        reused = [row["_id"] async for row in self._lists.find(among | {"archived": True}, {"_id": 1})]
        return sorted({*idle, *reused})

    async def blocks_account(self, list_key: str) -> str | None:
        row = await self._lists.find_one({"_id": list_key}, {"account_id": 1})
        return str(row["account_id"]) if row else None

    async def become_unused(self, content: Content, turn: int, now: datetime) -> None:
        async def work(transaction: Transaction) -> None:
            session = transaction.session
            row = await self._contents.find_one({"_id": content.key}, session=session)
            if row is not None and row["turn"] >= turn:
                return
            recorded = {"$set": {"turn": turn, "idle": True}}
            await self._contents.update_one({"_id": content.key}, recorded, upsert=True, session=session)
            # Also what is unused already: it may have been retrieved meanwhile, and never read.
            await self._enlist(content, now, session, is_counted=row is not None and row["idle"])

        await self._transactor.run(work)

    async def use(self, content: Content) -> bool:
        async def work(transaction: Transaction) -> bool:
            session = transaction.session
            if await self._objects.archived_among(content.object_keys, session):
                return False
            used = {"$set": {"idle": False}}
            changed = await self._contents.update_one({"_id": content.key, "idle": True}, used, session=session)
            if changed.matched_count:
                await self._withdraw(content, session)
            if content.blocks is not None:
                no_more = {"$unset": {"archived": "", "idle": ""}}
                await self._lists.update_one({"_id": content.key}, no_more, session=session)
            return True

        return await self._transactor.run(work)

    async def forget(self, keys: Sequence[str], now: datetime) -> None:
        await self._contents.delete_many({"_id": {"$in": list(keys)}})
        await self._objects.forget([key for key in keys if is_whole(key)])
        packs = {named.pack_key.rpartition("/")[2] for key in keys if (named := pack_of(key)) is not None}
        if packs:
            rows = self._packs.find({"_id": {"$in": sorted(packs)}}, {"account_id": 1, "live": 1})
            live: Mapping[str, list[int]] = {pack_key(row["account_id"], row["_id"]): row["live"] async for row in rows}
            await self._objects.settle_packs(live, now)

    async def _enlist(self, content: Content, now: datetime, session: Session, *, is_counted: bool) -> None:
        if content.blocks is not None:
            idle = {"$set": {"idle": True}}
            if not (await self._lists.update_one({"_id": content.key}, idle, session=session)).matched_count:
                return  # released meanwhile
            if not is_counted:
                await self._count(content, 1, session)
            await self._objects.enlist(await self._unused_blocks(content, session), now, session)
        elif content.pack is not None:
            pack = await self._packs.find_one({"_id": content.pack.pack_key.rpartition("/")[2]}, session=session)
            if pack is not None:
                numbers = [content.pack.number]
                await self._objects.add_idle_slices(content.pack.pack_key, numbers, pack["live"], now, session)
        else:
            await self._objects.enlist([content.key], now, session)

    async def _withdraw(self, content: Content, session: Session) -> None:
        if content.pack is not None:
            await self._objects.remove_idle_slices(content.pack.pack_key, [content.pack.number], session)
            return
        if content.blocks is not None:
            await self._count(content, -1, session)
        await self._objects.withdraw(content.object_keys, session)

    async def _count(self, content: Content, step: int, session: Session) -> None:
        """Count this list among the unused ones of each of its blocks, or no more."""
        for some in chunks(_rows_of(content), CHUNK):
            await self._blocks.update_many({"_id": {"$in": some}}, {"$inc": {"idle": step}}, session=session)

    async def _unused_blocks(self, content: Content, session: Session) -> list[str]:
        return await unused_blocks(self._blocks, _rows_of(content), session)


def _rows_of(content: Content) -> list[str]:
    return [row_id(content.account_id, name) for name in content.blocks or ()]
