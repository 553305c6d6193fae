"""Background work on blocks: deletes unreferenced blocks and checks those of unbounded length."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from docstore_contents.deletion_hold import IsHeld
from docstore_contents.s3.store import ObjectStore
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError
from docstore_upload.blocks.ports import Awaited, Blocks, Discarded
from docstore_upload.blocks.proof import BlockProver
from docstore_upload.lifecycle.tombstones import put_tombstones
from docstore_upload.lifecycle.worker import DueWork, Step
from docstore_upload.metrics import blocks_collected_total
from docstore_upload.settings import UploadSettings


class DiscardedBlocksWorker(DueWork[Discarded]):
    """Discards unreferenced blocks, then deletes discarded objects until the store has done it.

    While a URL still works, a tombstone takes the object's place.
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
        self._was_held = False

    async def claim_due(self, limit: int) -> list[Discarded]:
        now = self._clock()
        before = now - timedelta(seconds=self._settings.block_grace_seconds)
        given_up = await self._blocks.give_up(before, now, self._settings.block_put_life, limit)
        blocks_collected_total.inc(given_up)
        if self._was_held and await self._is_held():  # what is claimed in vain is leased for nothing
            return []
        discarded = await self._blocks.take_discarded(limit)
        self._was_held = bool(discarded) and await self._is_held()
        return [] if self._was_held else discarded

    def step(self, due: Discarded) -> Step[Discarded]:
        is_writable = due.writable_until is not None and due.writable_until > self._clock()
        return self._put_tombstones if is_writable else self._delete

    async def _put_tombstones(self, discarded: Sequence[Discarded]) -> None:
        await put_tombstones(self._store, [each.key for each in discarded])
        await self._blocks.delete_again(discarded)

    async def _delete(self, discarded: Sequence[Discarded]) -> None:
        keys = [each.key for each in discarded]
        await self._store.delete_many(keys)
        await self._blocks.forget_discarded(keys)


class UnsizedBlocksWorker(DueWork[Awaited]):
    """Checks blocks whose URL takes any length, so that an oversized object is deleted soon after it was sent."""

    name = "unsized blocks"
    batch = 500

    def __init__(self, blocks: Blocks, prover: BlockProver, settings: UploadSettings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._blocks = blocks
        self._prover = prover

    async def claim_due(self, limit: int) -> list[Awaited]:
        return await self._blocks.claim_due_checks(limit)

    def step(self, due: Awaited) -> Step[Awaited]:
        return self._check

    async def _check(self, awaited: Sequence[Awaited]) -> None:
        by_account: defaultdict[str, list[Awaited]] = defaultdict(list)
        for each in awaited:
            by_account[each.account_id].append(each)
        for account_id, due in by_account.items():
            try:
                arrived = await self._prover.prove(account_id, [each.block for each in due])
            except DomainError:  # too many for one round
                later = self._clock() + timedelta(seconds=self._settings.lease_seconds)
                await self._blocks.plan_check(account_id, [each.block.hash for each in due], later)
                continue
            await self._plan(account_id, [each for each in due if each.block.hash not in arrived])

    async def _plan(self, account_id: str, due: Sequence[Awaited]) -> None:
        """Schedule the next check while a URL of theirs may be used."""
        now = self._clock()
        live = [each.block.hash for each in due if each.asked_at + self._settings.block_put_life > now]
        dead = [each.block.hash for each in due if each.block.hash not in live]
        await self._blocks.plan_check(
            account_id, live, now + timedelta(seconds=self._settings.unsized_interval_seconds)
        )
        await self._blocks.plan_check(account_id, dead, None)
