"""Deletes blocks that nothing refers to, once nobody can be about to refer to them, and other objects of no use."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from docstore_contents.deletion_hold import IsHeld
from docstore_contents.s3.store import ObjectStore
from docstore_platform.clock import Clock
from docstore_upload.block_store import Blocks, Discarded
from docstore_upload.due_work import DueWork, Step
from docstore_upload.metrics import blocks_collected_total
from docstore_upload.settings import UploadSettings
from docstore_upload.tombstones import put_tombstones


class BlockSweeper(DueWork[Discarded]):
    """First gives up rows, noting the keys as discarded; then deletes what is discarded, however often it takes.

    Where a URL still works, a tombstone takes the object's place until it does not.
    """

    name = "blocks"
    batch = 1000

    def __init__(
        self, blocks: Blocks, store: ObjectStore, is_held: IsHeld, settings: UploadSettings, clock: Clock
    ) -> None:
        super().__init__(settings, clock)
        self._blocks = blocks
        self._store = store
        self._is_held = is_held

    async def claim_due(self, now: datetime, limit: int, lease_until: datetime) -> list[Discarded]:
        before = now - timedelta(seconds=self._settings.block_grace_seconds)
        given_up = await self._blocks.give_up(before, now, self._settings.block_put_life, limit)
        blocks_collected_total.inc(given_up)
        discarded = await self._blocks.take_discarded(now, limit, lease_until)
        return [] if discarded and await self._is_held() else discarded

    def step(self, due: Discarded) -> Step[Discarded]:
        is_writable = due.writable_until is not None and due.writable_until > self._clock()
        return self._bury if is_writable else self._delete

    async def _bury(self, discarded: Sequence[Discarded]) -> None:
        await put_tombstones(self._store, [each.key for each in discarded])
        await self._blocks.delete_again(discarded)

    async def _delete(self, discarded: Sequence[Discarded]) -> None:
        keys = [each.key for each in discarded]
        await self._store.delete_many(keys)
        await self._blocks.forget_discarded(keys)
