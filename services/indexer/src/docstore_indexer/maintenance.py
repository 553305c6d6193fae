"""Rebuilds the index when a backup is restored."""

from docstore_indexer.indexing.job_repository import REBUILD, Jobs
from docstore_platform.backups.restored import Restored


async def after_restore(restored: Restored) -> None:
    """Rebuild the index: that of an external search engine is newer than the restored database."""
    await Jobs(restored.database, lease_seconds=0).request(REBUILD, "rebuild", state="waiting", reason="restored")
