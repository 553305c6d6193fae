"""Repairs of the database after a restore. A backup calls them before any instance starts; they may be done again."""

from collections.abc import Sequence
from datetime import datetime

from docstore_metadata.journal.repository import renumber_journals
from docstore_metadata.retention.repository import RESTART_RETENTION
from docstore_platform.mongo import Database


async def restart_retention(database: Database) -> None:
    """Give trash and old versions of all accounts their full time from now on; else all of an old backup is overdue."""
    await database["nodes"].update_many({"parent": None, "live": True}, RESTART_RETENTION)


async def invalidate_cursors(database: Database, account_ids: Sequence[str], now: datetime) -> None:
    """Number the next changes of these accounts beyond all that clients have seen since the backup was taken."""
    await renumber_journals(database, account_ids, now)
