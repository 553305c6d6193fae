"""Changes to metadata when a backup is restored."""

from docstore_metadata.journal.repository import renumber_journals
from docstore_metadata.tree.projection_repository import RESTART_RETENTION
from docstore_platform.clock import utc_now
from docstore_platform.maintenance import Restored

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
