"""What the final check does with packs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from docstore_events.transaction import Transaction
from docstore_events.uploads import PackCompleted
from docstore_platform.clock import Clock
from docstore_upload import metrics
from docstore_upload.lifecycle.final_check import Checked
from docstore_upload.packs.events import stalled
from docstore_upload.packs.ports import Packs
from docstore_upload.packs.rules import Pack


class CheckedPacks(Checked[Pack]):
    """A settled pack is due at once: slices of refused files live no longer."""

    completed_event = PackCompleted
    stalled = metrics.stalled_packs

    def __init__(self, packs: Packs, clock: Clock) -> None:
        self._packs = packs
        self._clock = clock

    async def settle(self, items: Sequence[Pack]) -> None:
        for pack in items:
            await self._packs.settle(pack, self._clock())

    async def look_again(self, items: Mapping[datetime, Sequence[Pack]]) -> None:
        for at, packs in items.items():
            for pack in packs:
                await self._packs.plan(pack, at)

    async def postpone_uncounted(self, items: Sequence[Pack], at: datetime) -> None:
        for pack in items:
            await self._packs.plan(pack, at, attempts=pack.attempts - 1)

    async def mark_stalled(self, missing: Mapping[str, Collection[str]], transaction: Transaction) -> None:
        for pack_id, services in missing.items():
            pack = await self._packs.get(pack_id, session=transaction.session)
            if pack is not None and not pack.missing:
                await self._packs.mark_stalled(pack_id, tuple(services), transaction.session)
                transaction.publish(stalled(pack, tuple(services)))

    async def count_stalled(self) -> int:
        return await self._packs.count_stalled()
