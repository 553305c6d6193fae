"""Contents that no version has any more: each kind is given back to whoever keeps it."""

from collections.abc import Sequence

from docstore_platform.block_list import is_blocks
from docstore_platform.packs import pack_of
from docstore_platform.problems import invalid
from docstore_upload.block_uploads import BlockUploads
from docstore_upload.packs_release import PackReleaser


class ReleasedContents:
    """Plain objects are metadata's to delete; it asks here for what shares its bytes with other contents."""

    def __init__(self, blocks: BlockUploads, packs: PackReleaser) -> None:
        self._blocks = blocks
        self._packs = packs

    async def release(self, keys: Sequence[str]) -> None:
        """Again, it changes nothing. 422 if a key names no such content."""
        lists = [key for key in keys if is_blocks(key)]
        slices = [key for key in keys if pack_of(key) is not None]
        if len(lists) + len(slices) < len(keys):
            other = next(key for key in keys if key not in lists and key not in slices)
            raise invalid(f"{other} is neither a block list nor a slice of a pack.")
        await self._blocks.release(lists)
        await self._packs.release_slices(slices)
