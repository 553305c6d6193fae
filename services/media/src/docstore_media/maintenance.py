"""Changes to media when a backup is restored."""

from docstore_media.previews.repository import MongoPreviews
from docstore_media.variants.repository import MongoVariants
from docstore_platform.clock import utc_now
from docstore_platform.maintenance import Restored


async def after_restore(restored: Restored) -> None:
    """Render all previews again, and variants once somebody asks for them: backups contain neither."""
    await MongoVariants(restored.database, lease_seconds=0).discard()
    await MongoPreviews(restored.database, lease_seconds=0).render_again(utc_now())
