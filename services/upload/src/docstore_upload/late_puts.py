"""What a signed PUT could write after its object was deleted: the URL works until it expires."""

from collections.abc import Sequence
from datetime import timedelta

from docstore_platform.clock import Clock
from docstore_upload.block_store import Blocks
from docstore_upload.settings import UploadSettings
from docstore_upload.storage import Uploads


class LatePuts:
    """Has tombstones put where metadata has deleted objects, for as long as a PUT of theirs can be under way."""

    def __init__(self, uploads: Uploads, blocks: Blocks, settings: UploadSettings, clock: Clock) -> None:
        self._uploads = uploads
        self._blocks = blocks
        self._settings = settings
        self._clock = clock

    async def keep_away(self, keys: Sequence[str]) -> None:
        """`keys`: object keys of versions; those that nobody can write any more are left alone."""
        by_id = {key.rpartition("/")[0].rpartition("/")[2]: key for key in keys}
        uploads = await self._uploads.by_ids(list(by_id)) if by_id else {}
        late = timedelta(seconds=self._settings.sweep_seconds)
        moments = {
            upload.object_key: upload.usable_until + late
            for upload in uploads.values()
            if upload.is_sent_by_put and by_id[upload.id] == upload.object_key
        }
        now = self._clock()
        await self._blocks.discard({key: moment for key, moment in moments.items() if moment > now}, now)
