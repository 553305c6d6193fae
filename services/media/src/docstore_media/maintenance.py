"""Renders previews again when a backup is restored, which has none."""

from docstore_media.previews.repository import MongoPreviews
from docstore_media.variants.repository import MongoVariants
from docstore_platform.backups.restored import Restored
from docstore_platform.clock import utc_now


async def after_restore(restored: Restored) -> None:
    """Render all previews again, and variants when they are next requested: backups contain neither."""
    await MongoVariants(restored.database, lease_seconds=0).discard()
    await MongoPreviews(restored.database, lease_seconds=0).render_again(utc_now())
