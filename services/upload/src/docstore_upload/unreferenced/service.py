"""Contents that no version refers to any more: blocks, slices of packs, keys that can still be written."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from docstore_contents.block_list import is_blocks
from docstore_contents.packs import pack_of
from docstore_contents.reader import is_whole
from docstore_platform.clock import Clock
from docstore_upload.blocks.ports import Blocks
from docstore_upload.blocks.service import BlockService
from docstore_upload.packs.ports import Packs
from docstore_upload.sessions.ports import Uploads
from docstore_upload.settings import UploadSettings
from docstore_upload.unused.service import UnusedContentService


@dataclass(slots=True)
class UnreferencedContents:
    """Releases contents. Metadata has deleted plain objects; only late writes to their keys remain to be prevented."""

    block_lists: BlockService
    blocks: Blocks
    packs: Packs
    uploads: Uploads
    unused: UnusedContentService
    settings: UploadSettings
    clock: Clock

    async def release(self, keys: Sequence[str]) -> None:
        """Release these contents. Idempotent."""
        await self.block_lists.release([key for key in keys if is_blocks(key)])
        await self._release_slices(keys)
        await self.unused.forget(keys)
        await self._prevent_late_writes([key for key in keys if is_whole(key)])

    async def _release_slices(self, keys: Sequence[str]) -> None:
        """Remove those of `keys` that are slices from the live ones of their packs, many in one write.

        The worker deletes a pack without live slices and rewrites one that is mostly dead.
        """
        numbers: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for key in keys:
            named = pack_of(key)
            if named is not None:
                numbers[named.account_id, named.pack_key.rpartition("/")[2]].add(named.number)
        if numbers:
            await self.packs.release(numbers, self.clock())

    async def _prevent_late_writes(self, keys: Sequence[str]) -> None:
        """Have tombstones put where metadata has deleted objects, while a PUT to their keys can be under way.

        Keys that can't be written any more are skipped.
        """
        by_id = {key.rpartition("/")[0].rpartition("/")[2]: key for key in keys}
        uploads = await self.uploads.by_ids(list(by_id)) if by_id else {}
        late = timedelta(seconds=self.settings.sweep_delay_seconds)
        moments = {
            upload.object_key: upload.usable_until + late
            for upload in uploads.values()
            if upload.is_sent_by_put and by_id[upload.id] == upload.object_key
        }
        now = self.clock()
        await self.blocks.discard({key: moment for key, moment in moments.items() if moment > now}, now)
