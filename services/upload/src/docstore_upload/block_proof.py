"""Proving that blocks have arrived: the store is asked for the first bytes of each, once, and the answer is kept.

What a block holds is not read here: each reader holds it against its name before he passes a byte on.
"""

import asyncio
import time
from collections.abc import Sequence

import structlog

from docstore_platform.clock import Clock
from docstore_platform.problems import Problem
from docstore_platform.s3 import ObjectNotFound, ObjectStore
from docstore_upload.block_store import Blocks
from docstore_upload.blocks import MAX_FRAME_HEADER, KnownBlock, plain_size
from docstore_upload.domain import RETRY_AFTER_SECONDS
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)

AT_ONCE = 32
"""Questions to the store under way, of all who prove at this instance."""
BATCH = 512
"""Blocks proved between two notes of it."""


class BlockProver:
    """Asks the store for blocks that are pending."""

    def __init__(self, blocks: Blocks, store: ObjectStore, settings: UploadSettings, clock: Clock) -> None:
        self._blocks = blocks
        self._store = store
        self._settings = settings
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def prove(self, account_id: str, pending: Sequence[KnownBlock]) -> dict[str, int]:
        """The size of each block that has arrived, by hash. What came as no block can be is wanted again.

        Problem 503 `verifying` if there are so many that it takes long; what was found is kept, so that the next
        call goes on from there.
        """
        started, sizes = time.monotonic(), dict[str, int]()
        for first in range(0, len(pending), BATCH):
            if time.monotonic() - started > self._settings.complete_wait_seconds:
                detail = "The blocks are being looked at; ask again."
                raise Problem(503, "verifying", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
            sizes |= await self._prove_some(account_id, pending[first : first + BATCH])
        return sizes

    async def _prove_some(self, account_id: str, pending: Sequence[KnownBlock]) -> dict[str, int]:
        answers = await asyncio.gather(*(self._look(block) for block in pending), return_exceptions=True)
        arrived: list[tuple[KnownBlock, int]] = []
        for block, answer in zip(pending, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                continue
            size = plain_size(*answer)
            if size is None:
                await self._want_again(account_id, block)
            else:
                arrived.append((block, size))
        if arrived:
            await self._blocks.mark_stored(account_id, arrived)
        return {block.hash: size for block, size in arrived}

    async def _look(self, block: KnownBlock) -> tuple[bytes, int] | None:
        """The first bytes of its object and the size of it; None if it has not arrived."""
        async with self._turns:
            try:
                return await self._store.peek(block.key, MAX_FRAME_HEADER)
            except ObjectNotFound:
                return None

    async def _want_again(self, account_id: str, block: KnownBlock) -> None:
        now = self._clock()
        log.warning("what was sent is no block", key=block.key)
        await self._blocks.replace(account_id, block, now, now + self._settings.block_put_life)
