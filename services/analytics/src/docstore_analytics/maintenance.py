"""Deletes newer anchors of the audit log when a backup is restored."""

from docstore_analytics.audit.anchors import anchor_key
from docstore_analytics.audit.repository import MongoAnchorNotes
from docstore_platform.backups.restored import Restored


async def after_restore(restored: Restored) -> None:
    """Delete anchors of the audit log that are newer than the restored database, which they would contradict.

    A backup lists objects after it has read the databases.
    """
    seq = await MongoAnchorNotes(restored.database).last_seq() + 1
    while await restored.objects.head(anchor_key(restored.region, seq)):
        await restored.objects.delete(anchor_key(restored.region, seq))
        seq += 1
