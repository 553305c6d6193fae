"""Background work on what nobody is charged for."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from docstore_platform.clock import Clock
from docstore_platform.problems import Problem
from docstore_upload.block_proof import BlockProver
from docstore_upload.block_store import Blocks
from docstore_upload.blocks import KnownBlock
from docstore_upload.due_work import DueWork, Step
from docstore_upload.settings import UploadSettings

Pending = tuple[str, KnownBlock]
"""A block that may be on its way, with its account."""


class UnsizedBlocks(DueWork[Pending]):
    """Looks for blocks whose URL takes any length, so that what is no block is deleted soon after it was sent."""

    name = "unsized blocks"
    batch = 500

    def __init__(self, blocks: Blocks, prover: BlockProver, settings: UploadSettings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._blocks = blocks
        self._prover = prover

    async def claim_due(self, now: datetime, limit: int, lease_until: datetime) -> list[Pending]:
        return await self._blocks.take_unlooked(now, limit, lease_until)

    def step(self, due: Pending) -> Step[Pending]:
        return self._look

    async def _look(self, pending: Sequence[Pending]) -> None:
        by_account: defaultdict[str, list[KnownBlock]] = defaultdict(list)
        for account_id, block in pending:
            by_account[account_id].append(block)
        for account_id, blocks in by_account.items():
            try:
                arrived = await self._prover.prove(account_id, blocks)
            except Problem:
                continue  # so many that they are due again at the end of the lease
            left = [block.hash for block in blocks if block.hash not in arrived]
            # Until the row is given up: as long as somebody asks for the block, it gets URLs.
            at = self._clock() + timedelta(seconds=self._settings.unsized_seconds)
            await self._blocks.look_again(account_id, left, at)
