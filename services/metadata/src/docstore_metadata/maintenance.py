"""Restarts retention and journals when a backup is restored, and lists the objects that files refer to."""

from collections.abc import AsyncIterator

from docstore_contents.packs import pack_of
from docstore_metadata.journal.repository import renumber_journals
from docstore_metadata.tree.projection_repository import RESTART_RETENTION
from docstore_platform.backups.restored import Restored
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Database

ACCOUNTS_PER_WRITE = 1000


async def after_restore(restored: Restored) -> None:
    """Restart the retention of all accounts, since an old backup is overdue, and invalidate clients' cursors."""
    await restored.database["nodes"].update_many({"parent": None, "live": True}, RESTART_RETENTION)
    now = utc_now()
    batch: list[str] = []
    async for account_id in restored.account_ids():
        batch.append(account_id)
        if len(batch) == ACCOUNTS_PER_WRITE:
            await renumber_journals(restored.database, batch, now)
            batch = []
    await renumber_journals(restored.database, batch, now)


async def referenced_objects(database: Database) -> AsyncIterator[str]:
    """Iterate over the keys of objects with the contents of versions; of blocks, over their lists."""
    async for row in database["objects"].find({"refs": {"$gt": 0}}, {"_id": 1}):
        part = pack_of(row["_id"])
        yield part.pack_key if part else row["_id"]
