"""Dump of all services' databases at one moment, as BSON."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from docstore_contents import deletion_hold
from docstore_events.maintenance import NOT_IN_BACKUPS
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import (
    Collection,
    Database,
    Mongo,
    OperationFailure,
    Session,
    is_snapshot_gone,
    server_time,
    snapshot_time,
)
from docstore_standalone.backup.database.history_window import PARAMETER, HistoryWindow
from docstore_standalone.backup.database.restore import RESTORE_MARKER
from docstore_standalone.backup.manifest import BackupRefused, CollectionPart
from docstore_standalone.backup.places.files import PackedWriter
from docstore_standalone.backup.progress import Progress, Step

BATCH = 1000
ATTEMPTS = 3
HISTORY_SECONDS = 300
"""How much longer than so far the server must be able to read the snapshot's moment."""
RENEW_SECONDS = 20.0
LEFT_OUT = frozenset({deletion_hold.COLLECTION}) | NOT_IN_BACKUPS
"""Collections of the running deployment only."""


@dataclass(frozen=True, slots=True)
class DatabaseDump:
    """A dump. `taken_at`: the moment of all collections, by the server's clock; `oplog_time`: by its oplog."""

    taken_at: datetime
    oplog_time: tuple[int, int]
    collections: list[CollectionPart]


async def dump_databases(mongo: Mongo, prefix: str, folder: Path, on_step: Progress) -> DatabaseDump:
    """Write every collection of the databases whose names begin with `prefix` below `folder`, all at one moment.

    BackupRefused if a restore is incomplete, or if the server can't read that moment long enough.
    """
    if f"{prefix}{RESTORE_MARKER}" in await mongo.database_names(prefix):
        raise BackupRefused("a restore there is incomplete: run `docstore restore-backup` again")
    first, *_ = (await _collections(mongo, prefix))[0]
    for _ in range(ATTEMPTS):
        try:
            async with _history_window(mongo, mongo.database(first)), mongo.snapshot() as session:
                return await _dump(mongo, prefix, folder, session, on_step)
        except OperationFailure as error:
            if not is_snapshot_gone(error):
                raise
    raise BackupRefused("MongoDB can't read the backup's moment long enough: raise its parameter " + PARAMETER)


async def _dump(mongo: Mongo, prefix: str, folder: Path, session: Session, on_step: Progress) -> DatabaseDump:
    collections = await _collections(mongo, prefix)
    database, name, _ = collections[0]
    taken_at = await _first_read(mongo, mongo.database(database)[name], session)
    if await _collections(mongo, prefix) != collections:  # a new one could be missed
        raise OperationFailure("collections are being created", 246)
    parts: list[CollectionPart] = []
    documents = 0
    for database, name, options in collections:
        collection, service = mongo.database(database)[name], database.removeprefix(prefix)
        count = 0
        with PackedWriter(folder, f"databases/{service}/{name}.bson.zst") as file:
            async for batch in collection.find_raw_batches({}, session=session, batch_size=BATCH):
                count += _documents_in(batch)
                await asyncio.to_thread(file.write, batch)
                on_step(Step("databases", documents + count))
        documents += count
        indexes = [dict(index) | {"key": dict(index["key"])} async for index in collection.list_indexes()]
        part = CollectionPart(
            service=service, name=name, documents=count, options=options, indexes=indexes, part=file.part
        )
        parts.append(part)
    moment = snapshot_time(session)
    return DatabaseDump(taken_at, (moment.time, moment.inc), parts)


async def _collections(mongo: Mongo, prefix: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return database, name and options of each collection."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    for database in await mongo.database_names(prefix):
        async for each in await mongo.database(database).list_collections():
            if each["name"] not in LEFT_OUT and not each["name"].startswith("system."):
                found.append((database, each["name"], dict(each.get("options", {}))))
    if not found:
        raise BackupRefused(f"nothing to back up: no database name begins with {prefix}")
    return sorted(found, key=lambda entry: entry[:2])


async def _first_read(mongo: Mongo, collection: Collection, session: Session) -> datetime:
    """Fix the moment that the session reads: the first read takes the latest that a majority has."""
    await collection.find_one({}, {"_id": 1}, session=session)
    return await server_time(mongo.database("admin"))


def _documents_in(batch: bytes) -> int:
    """Return the number of concatenated BSON documents; each begins with its size."""
    count = at = 0
    while at < len(batch):
        at += int.from_bytes(batch[at : at + 4], "little")
        count += 1
    return count


@asynccontextmanager
async def _history_window(mongo: Mongo, database: Database) -> AsyncIterator[None]:
    """Have the server keep enough history to read the past, longer and longer, until the block ends.

    Without the right to change it, the server's own setting applies: five minutes by default.
    """
    window = HistoryWindow(mongo, database, new_id())
    try:
        await window.hold(HISTORY_SECONDS)
    except OperationFailure:
        yield
        return
    extending = asyncio.create_task(_extend_history(window))
    try:
        yield
    finally:
        extending.cancel()
        await asyncio.gather(extending, return_exceptions=True)
        await window.release()


async def _extend_history(window: HistoryWindow) -> None:
    seconds = HISTORY_SECONDS
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        seconds += int(RENEW_SECONDS) + 1
        await window.hold(seconds)
