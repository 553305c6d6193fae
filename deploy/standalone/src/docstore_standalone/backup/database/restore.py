"""Restores a backup's databases; an interrupted restore starts from the beginning."""

import asyncio
from pathlib import Path
from typing import IO

from docstore_platform.mongodb.client import CollectionInvalid, Database, Mongo, RawBSONDocument
from docstore_standalone.backup.manifest import BackupDamaged, CollectionPart, Manifest
from docstore_standalone.backup.objects.copy import all_of
from docstore_standalone.backup.places.files import unpacked
from docstore_standalone.backup.progress import Progress, Step

RESTORE_MARKER = "restore"
"""Name of the database, as if of a service, that exists while a backup is being restored."""
BATCH_DOCUMENTS, BATCH_BYTES = 1000, 4 << 20
AT_ONCE = 8


async def restore_documents(mongo: Mongo, prefix: str, folder: Path, manifest: Manifest, on_step: Progress) -> None:
    """Restore all documents, without indexes, after removing what an earlier run has written."""
    for name in await mongo.database_names(prefix):
        if name != f"{prefix}{RESTORE_MARKER}":
            await mongo.drop(name)
    slots, done = asyncio.Semaphore(AT_ONCE), 0

    async def restore(part: CollectionPart) -> None:
        nonlocal done
        async with slots:
            await _restore_collection(mongo.database(f"{prefix}{part.service}"), part, folder)
        done += part.documents
        on_step(Step("restore databases", done, manifest.documents))

    await all_of(restore(part) for part in manifest.collections)


async def restore_indexes(mongo: Mongo, prefix: str, manifest: Manifest) -> None:
    """Create all indexes once all documents are restored, since some indexes delete documents."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def index(part: CollectionPart) -> None:
        indexes = [index for index in part.indexes if index["name"] != "_id_"]
        async with slots:
            if indexes:
                await mongo.database(f"{prefix}{part.service}").command("createIndexes", part.name, indexes=indexes)

    await all_of(index(part) for part in manifest.collections)


async def _restore_collection(database: Database, part: CollectionPart, folder: Path) -> None:
    try:
        await database.create_collection(part.name, **part.options)
    except CollectionInvalid as error:
        raise BackupDamaged(f"{part.service} contains {part.name} twice") from error
    count = 0
    with unpacked(folder, part.part) as file:
        while batch := await asyncio.to_thread(read_batch, file):
            await database[part.name].insert_many(batch, ordered=False)
            count += len(batch)
    if count != part.documents:
        raise BackupDamaged(f"{part.part.path} contains {count} documents instead of {part.documents}")


def read_batch(file: IO[bytes]) -> list[RawBSONDocument]:
    batch: list[RawBSONDocument] = []
    size = 0
    while len(batch) < BATCH_DOCUMENTS and size < BATCH_BYTES and (head := file.read(4)):
        document = head + file.read(int.from_bytes(head, "little") - 4)
        batch.append(RawBSONDocument(document))
        size += len(document)
    return batch
