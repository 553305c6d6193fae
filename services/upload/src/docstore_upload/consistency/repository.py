"""Pages of transfers and blocks by id, whoever owns them, read from a secondary where there is one."""

from collections.abc import Sequence
from datetime import datetime

from docstore_platform.clock import Clock
from docstore_platform.mongodb.client import Collection, Database, Document
from docstore_upload.consistency.rules import StoredBlock, StoredTransfer, TransferKind
from docstore_upload.lifecycle.repository import LEASE_SECONDS, work_queue


class MongoStoredPages:
    def __init__(self, database: Database) -> None:
        self._transfers: dict[TransferKind, Collection] = {"uploads": database["uploads"], "packs": database["packs"]}
        self._blocks: Collection = database["blocks"]

    async def transfers(self, kind: TransferKind, after: str, limit: int) -> list[StoredTransfer]:
        return [_transfer(row) for row in await _page(self._transfers[kind], after, limit)]

    async def transfers_of(self, kind: TransferKind, ids: Sequence[str]) -> list[StoredTransfer]:
        return [_transfer(row) async for row in self._transfers[kind].find({"_id": {"$in": list(ids)}})]

    async def blocks(self, after: str, limit: int) -> list[StoredBlock]:
        return [_block(row) for row in await _page(self._blocks, after, limit)]

    async def blocks_of(self, ids: Sequence[str]) -> list[StoredBlock]:
        return [_block(row) async for row in self._blocks.find({"_id": {"$in": list(ids)}})]


class MongoDueTransfers:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def make_due(self, kind: TransferKind, ids: Sequence[str], now: datetime) -> None:
        documents: Collection = self._database[kind]
        queue = work_queue(documents, kind, LEASE_SECONDS, self._clock)
        await documents.update_many({"_id": {"$in": list(ids)}}, queue.due(now))


async def _page(collection: Collection, after: str, limit: int) -> list[Document]:
    return await collection.find({"_id": {"$gt": after}}, sort=[("_id", 1)], limit=limit).to_list(limit)


def _transfer(row: Document) -> StoredTransfer:
    return StoredTransfer(
        row["_id"],
        row["account_id"],
        row["state"],
        row.get("next_check_at"),
        is_settled=bool(row.get("settled")),
        live=len(row.get("live", ())),
    )


def _block(row: Document) -> StoredBlock:
    account_id, _, block_hash = row["_id"].rpartition(".")
    is_needed = row["state"] == "stored" and row["refs"] > 0
    return StoredBlock(row["_id"], account_id, block_hash, row["key"], row.get("size"), row.get("bytes"), is_needed)
