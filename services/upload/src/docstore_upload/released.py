"""Contents that no version has any more: each kind is given back to whoever keeps it."""

from collections.abc import Sequence

from docstore_contents.block_list import is_blocks
from docstore_contents.packs import pack_of
from docstore_contents.reader import is_whole
from docstore_upload.block_uploads import BlockUploads
from docstore_upload.late_puts import LatePuts
from docstore_upload.packs_release import PackReleaser


class ReleasedContents:
    """Plain objects metadata has deleted: only what may still be written under their keys is left to do here."""

    def __init__(self, blocks: BlockUploads, packs: PackReleaser, late_puts: LatePuts) -> None:
        self._blocks = blocks
        self._packs = packs
        self._late_puts = late_puts

    async def release(self, keys: Sequence[str]) -> None:
        """Again, it changes nothing."""
        lists = [key for key in keys if is_blocks(key)]
        slices = [key for key in keys if pack_of(key) is not None]
        await self._blocks.release(lists)
        await self._packs.release_slices(slices)
        await self._late_puts.keep_away([key for key in keys if is_whole(key)])
