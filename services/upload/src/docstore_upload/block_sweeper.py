"""Deletes blocks that nothing refers to, once nobody can be about to refer to them, and other objects of no use."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from docstore_platform.clock import Clock
from docstore_platform.deletion_hold import IsHeld
from docstore_platform.s3 import ObjectStore
from docstore_upload.block_store import Blocks
from docstore_upload.due_work import DueWork, Step
from docstore_upload.metrics import blocks_collected_total
from docstore_upload.settings import UploadSettings


class BlockSweeper(DueWork[str]):
    """First gives up rows, noting the keys as discarded; then deletes what is discarded, however often it takes."""

    name = "blocks"
    batch = 1000

    def __init__(
        self, blocks: Blocks, store: ObjectStore, is_held: IsHeld, settings: UploadSettings, clock: Clock
    ) -> None:
        super().__init__(settings, clock)
        self._blocks = blocks
        self._store = store
        self._is_held = is_held

    async def claim_due(self, now: datetime, limit: int, lease_until: datetime) -> list[str]:
        before = now - timedelta(seconds=self._settings.block_grace_seconds)
        # A URL was given at `before` at the latest; nothing may arrive under a key after it was deleted.
        delete_at = max(now, before + self._settings.block_put_life)
        given_up = await self._blocks.give_up(before, delete_at, limit)
        blocks_collected_total.inc(given_up)
        discarded = await self._blocks.take_discarded(now, limit, lease_until)
        return [] if discarded and await self._is_held() else discarded

    def step(self, due: str) -> Step[str]:
        return self._delete

    async def _delete(self, keys: Sequence[str]) -> None:
        await self._store.delete_many(keys)
        await self._blocks.forget_discarded(keys)
