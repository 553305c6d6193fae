"""Background work on what nobody is charged for."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from docstore_platform.clock import Clock
from docstore_platform.problems import Problem
from docstore_upload.block_proof import BlockProver
from docstore_upload.block_store import Awaited, Blocks
from docstore_upload.due_work import DueWork, Step
from docstore_upload.settings import UploadSettings


class UnsizedBlocks(DueWork[Awaited]):
    """Looks for blocks whose URL takes any length, so that what is no block is deleted soon after it was sent."""

    name = "unsized blocks"
    batch = 500

    def __init__(self, blocks: Blocks, prover: BlockProver, settings: UploadSettings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._blocks = blocks
        self._prover = prover

    async def claim_due(self, now: datetime, limit: int, lease_until: datetime) -> list[Awaited]:
        return await self._blocks.take_unlooked(now, limit, lease_until)

    def step(self, due: Awaited) -> Step[Awaited]:
        return self._look

    async def _look(self, awaited: Sequence[Awaited]) -> None:
        by_account: defaultdict[str, list[Awaited]] = defaultdict(list)
        for each in awaited:
            by_account[each.account_id].append(each)
        for account_id, due in by_account.items():
            try:
                arrived = await self._prover.prove(account_id, [each.block for each in due])
            except Problem:
                continue  # so many that they are due again at the end of the lease
            await self._plan(account_id, [each for each in due if each.block.hash not in arrived])

    async def _plan(self, account_id: str, due: Sequence[Awaited]) -> None:
        """Look again as long as a URL of theirs may be used."""
        now = self._clock()
        live = [each.block.hash for each in due if each.asked_at + self._settings.block_put_life > now]
        dead = [each.block.hash for each in due if each.block.hash not in live]
        await self._blocks.look_again(account_id, live, now + timedelta(seconds=self._settings.unsized_seconds))
        await self._blocks.look_again(account_id, dead, None)
