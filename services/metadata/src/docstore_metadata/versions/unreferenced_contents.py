"""Background task that deletes contents without references.

Whole objects are deleted here. Contents in blocks or packs share objects, whose references the upload service counts.
That service also deletes objects again that a client can still rewrite by its signed upload URL.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from docstore_contents.deletion_hold import IsHeld
from docstore_contents.reader import is_whole
from docstore_contents.s3.store import ObjectStore
from docstore_contracts.upload import UploadClient
from docstore_metadata.versions.repository import UnreferencedContents

BATCH = 500


@dataclass(slots=True)
class UnreferencedContentRemover:
    """Leases batches of due contents; a record is removed after its content."""

    contents: UnreferencedContents
    objects: ObjectStore
    uploads: UploadClient
    is_held: IsHeld

    async def remove_due(self) -> int:
        """Delete up to one batch, unless a backup holds them; returns how many. A failed batch is due again later."""
        if not await self.contents.is_any_due() or await self.is_held():
            return 0
        keys = await self.contents.claim(BATCH)
        if await self.is_held():  # a hold taken meanwhile may cover the leased contents: they are due again later
            return 0
        whole = [key for key in keys if is_whole(key)]
        shared = [key for key in keys if not is_whole(key)]
        # An upload service of an older release refuses whole objects: that must not block the others.
        outcomes = await asyncio.gather(self._release(shared), self._delete(whole), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return len(keys)

    async def _delete(self, whole: Sequence[str]) -> None:
        if whole:
            await self.objects.delete_many(whole)
            await self._release(whole)

    async def _release(self, keys: Sequence[str]) -> None:
        if keys:
            await self.uploads.release_contents(keys)
            await self.contents.remove(keys)
