"""What a restore must do inside media."""

from docstore_media.repository import MongoPreviews
from docstore_platform.clock import utc_now
from docstore_platform.maintenance import Restored


async def after_restore(restored: Restored) -> None:
    """Render all previews again: they are in no backup."""
    await MongoPreviews(restored.database, lease_seconds=0).render_again(utc_now())
