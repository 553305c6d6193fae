"""Bounds an account's blocks that no file has claimed.

A client may store a block before it names the block's file. So the bytes of such blocks are counted and bounded by what
the account could still claim. The bound is computed only beyond the allowance, which most accounts never reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from docstore_platform.clock import Clock
from docstore_platform.errors import OutOfSpace
from docstore_upload.blocks.ports import Blocks, OpenUploads
from docstore_upload.blocks.rules import room_for_unclaimed, stored_bytes_of, to_be_withdrawn
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.metrics import unclaimed_bytes
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)
WITHDRAWN_AT_ONCE = 1000


@dataclass(slots=True)
class UnclaimedBlocks:
    """Refuses URLs for blocks beyond the bound and discards the excess."""

    blocks: Blocks
    uploads: OpenUploads
    services: ServiceClients
    settings: UploadSettings
    clock: Clock

    async def refuse_beyond(self, account_id: str, new: Sequence[str]) -> None:
        """OutOfSpace `over_quota` if the blocks `new` take an account over its bound; they are withdrawn then.

        Blocks are counted after they were added, so at least one of two concurrent calls sees both. Blocks that no one
        asked for the longest are discarded first.
        """
        excess = await self._excess(account_id)
        if excess > 0:
            excess -= await self._trim(account_id, excess)
        if excess > 0:
            await self._withdraw(account_id, new)
            detail = "Too many blocks wait for a file. Complete their uploads, or wait until some are deleted."
            raise OutOfSpace(detail)

    async def sweep(self) -> int:
        """Measure the blocks of all accounts and discard excess, such as after the quota was used otherwise."""
        by_account = await self.blocks.unclaimed_by_account()
        unclaimed_bytes.labels("blocks").set(sum(by_account.values()))
        withdrawn = 0
        for account_id, held in by_account.items():
            if held > self.settings.unclaimed_bytes:
                excess = await self._excess(account_id)
                if excess > 0:
                    withdrawn += await self._trim(account_id, excess)
        return withdrawn

    async def _excess(self, account_id: str) -> int:
        held = await self.blocks.unclaimed_bytes(account_id)
        if held <= self.settings.unclaimed_bytes:
            return 0
        usage = await self.services.quota.account_usage(account_id)
        open_in_blocks = await self.uploads.open_in_blocks(account_id)
        return held - room_for_unclaimed(self.settings.unclaimed_bytes, usage, open_in_blocks)

    async def _trim(self, account_id: str, excess: int) -> int:
        """Discard up to `excess` bytes of blocks that no client may be about to send or name; return the bytes."""
        before = self.clock() - timedelta(seconds=self.settings.block_url_lifetime_seconds)
        oldest = await self.blocks.longest_untouched(account_id, before, WITHDRAWN_AT_ONCE)
        chosen = to_be_withdrawn(oldest, excess)
        if chosen:
            log.info("unclaimed_blocks_withdrawn", account_id=account_id, blocks=len(chosen))
            await self._withdraw(account_id, [block.hash for block in chosen])
        return sum(stored_bytes_of(block) for block in chosen)

    async def _withdraw(self, account_id: str, hashes: Sequence[str]) -> None:
        now = self.clock()
        await self.blocks.withdraw(account_id, hashes, now, now + self.settings.block_put_life)
