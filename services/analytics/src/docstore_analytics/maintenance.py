"""What a restore does with the audit log and the archive, whose objects are newer or older than the database then."""

from collections.abc import AsyncIterator

from docstore_analytics.archive.columns import TABLES
from docstore_analytics.archive.repository import mark_lost, sealed_segments
from docstore_analytics.archive.rules import Segment
from docstore_analytics.audit.anchors import Objects, anchor_key
from docstore_analytics.audit.repository import MongoAnchorNotes, MongoAudit, MongoSeals
from docstore_analytics.audit.sealed import packed, sealed_key
from docstore_analytics.audit.worker import GZIP
from docstore_platform.backups.restored import Restored
from docstore_platform.mongodb.client import Database


async def after_restore(restored: Restored) -> None:
    """Delete anchors of the audit log that are newer than the restored database, which they would contradict.

    A backup lists objects after it has read the databases.
    """
    seq = await MongoAnchorNotes(restored.database).last_seq() + 1
    while await restored.objects.head(anchor_key(restored.region, seq)):
        await restored.objects.delete(anchor_key(restored.region, seq))
        seq += 1


async def stored_objects(database: Database, region: str) -> AsyncIterator[str]:
    """Iterate over the keys of the archive's files and of the audit log's objects, the last anchor at the end."""
    async for segment in _sealed_segments(database):
        yield segment.key
    for first, last in await _sealed_ranges(database):
        yield sealed_key(region, first, last)
    for seq in range(1, await MongoAnchorNotes(database).last_seq() + 1):
        yield anchor_key(region, seq)


async def repair_missing(database: Database, region: str, objects: Objects, missing: frozenset[str]) -> set[str]:
    """Repair what refers to objects that a restore to a moment did not find; return the keys of those of the audit log.

    The last anchor is the newest that there is. Entries are sealed again from the database, under the same key, since
    anchors count them as sealed. Rows in missing files of the archive are lost.
    """
    await _note_last_anchor(database, region, missing)
    for first, last in await _sealed_ranges(database):
        key = sealed_key(region, first, last)
        if key in missing:
            entries = [each async for each in MongoAudit(database).entries_after(first - 1, last - first + 1)]
            await objects.put(key, packed(entries), content_type=GZIP)
    lost = [segment async for segment in _sealed_segments(database) if segment.key in missing]
    for segment in lost:
        await mark_lost(database, segment)
    return {key for key in missing if key.startswith(f"archive/audit/{region}/")}


async def _note_last_anchor(database: Database, region: str, missing: frozenset[str]) -> None:
    notes = MongoAnchorNotes(database)
    noted = seq = await notes.last_seq()
    while anchor_key(region, seq) in missing:
        seq -= 1
    if seq != noted:
        await notes.note(seq)


async def _sealed_segments(database: Database) -> AsyncIterator[Segment]:
    for table in TABLES.values():
        async for segment in sealed_segments(database, table):
            yield segment


async def _sealed_ranges(database: Database) -> list[tuple[int, int]]:
    """Return the first and last numbers of sealed entries; keys follow from them, whatever a tampered row names."""
    seals = MongoSeals(database)
    last = await seals.last()
    return [(seal.first, seal.last) for seal in await seals.between(1, last.first)] if last else []
