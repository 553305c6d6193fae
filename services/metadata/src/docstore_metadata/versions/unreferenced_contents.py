"""Deletes contents that no version refers to any more: never before that is committed, never forgotten.

An object of its own is deleted here; what is in blocks or in a pack shares objects with others, of which the upload
service keeps count. It also deletes an object again that can still be written anew, by the URL that its bytes came by.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from docstore_contents.deletion_hold import IsHeld
from docstore_contents.reader import is_whole
from docstore_contracts.upload import UploadClient
from docstore_metadata.versions.repository import UnreferencedContents

BATCH = 500


class Objects(Protocol):
    async def delete_many(self, keys: Iterable[str]) -> None:
        """Delete objects; one that is gone already counts as deleted."""
        ...


class UnreferencedContentRemover:
    """Claims batches of due contents under a lease: a document goes once its content is gone."""

    def __init__(
        self,
        contents: UnreferencedContents,
        objects: Objects,
        uploads: UploadClient,
        *,
        is_held: IsHeld,
    ) -> None:
        self._contents = contents
        self._objects = objects
        self._uploads = uploads
        self._is_held = is_held

    async def remove_due(self) -> int:
        """Delete up to one batch, unless a backup holds them; returns how many. What fails is due again later."""
        if not await self._contents.is_any_due() or await self._is_held():
            return 0
        keys = await self._contents.claim(BATCH)
        if await self._is_held():  # a hold that was taken meanwhile may refer to what was claimed: due again later
            return 0
        whole = [key for key in keys if is_whole(key)]
        shared = [key for key in keys if not is_whole(key)]
        # An upload service of an older release refuses whole objects: that is to hold nothing else.
        outcomes = await asyncio.gather(self._release(shared), self._delete(whole), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return len(keys)

    async def _delete(self, whole: Sequence[str]) -> None:
        if whole:
            await self._objects.delete_many(whole)
            await self._release(whole)

    async def _release(self, keys: Sequence[str]) -> None:
        if keys:
            await self._uploads.release_contents(keys)
            await self._contents.forget(keys)
