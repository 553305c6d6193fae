"""Use cases of archived objects: request that they become readable, and copy them back."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from docstore_contents.s3.storage_classes import STANDARD, Tier
from docstore_contents.s3.store import ObjectStore
from docstore_upload.cold_objects.ports import ColdObjects
from docstore_upload.cold_objects.rules import next_step

RESTORED_DAYS = 3
"""How long the store keeps the readable copy, which is copied back as soon as it is found."""
AT_ONCE = 16


@dataclass(slots=True)
class ColdObjectService:
    objects: ColdObjects
    store: ObjectStore
    tier: Tier

    async def retrieve(self, keys: Iterable[str]) -> bool:
        """Take the next steps to make these objects readable; return whether there was one.

        The store decides what state an object is in, so a step may be repeated. Raises ObjectStoreError.
        """
        step = next_step(await self.objects.archived_among(keys))
        free = asyncio.Semaphore(AT_ONCE)

        async def begin(key: str) -> bool:
            async with free:
                return await self._begin(key)

        async def finish(key: str) -> bool:
            async with free:
                return await self._finish(key)

        begun = await asyncio.gather(*(begin(key) for key in step.begin))
        finished = await asyncio.gather(*(finish(key) for key in step.look_at))
        await self.objects.restoring([key for key, waits in zip(step.begin, begun, strict=True) if waits])
        return bool(step.begin) or any(finished)

    async def _begin(self, key: str) -> bool:
        """Request the restoration; return False if the object can be read already."""
        state = await self.store.stored_state(key)
        if state is None or not state.is_archived:
            await self.objects.retrieved(key)
            return False
        if state.restoration == "none":
            await self.store.restore_object(key, days=RESTORED_DAYS, tier=self.tier)
        return True

    async def _finish(self, key: str) -> bool:
        """Copy a restored object back to the usual class; return whether it can be read now."""
        state = await self.store.stored_state(key)
        if state is not None and state.is_archived:
            if state.restoration == "none":  # the readable copy has expired
                await self.store.restore_object(key, days=RESTORED_DAYS, tier=self.tier)
            if state.restoration != "done":
                return False
            await self.store.change_class(state, STANDARD)
        await self.objects.retrieved(key)
        return True
