"""Verifies that blocks have arrived: reads the first bytes of each from the store once and keeps the result.

The header names the plain size, which bounds what may be stored. A small block arrives whole in that read and is
verified against its hash. Larger blocks are not read here: each reader verifies them before it passes a byte on.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import structlog

from docstore_contents.block_list import Block
from docstore_contents.reader import ContentDamaged, unpack
from docstore_contents.s3.store import ObjectNotFound, ObjectStore
from docstore_platform.clock import Clock
from docstore_platform.errors import Unavailable
from docstore_upload.blocks.ports import Blocks
from docstore_upload.blocks.rules import MAX_FRAME_HEADER, KnownBlock, plain_size
from docstore_upload.lifecycle.rules import RETRY_AFTER_SECONDS
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)
AT_ONCE = 32
"""Requests to the store under way, for all callers of this instance."""
BATCH = 512
"""Blocks verified before the result is stored."""
SMALL = 32 << 10
"""Stored bytes up to which a block is read whole and decompressed."""


class BlockProver:
    """Checks the store for pending blocks."""

    def __init__(self, blocks: Blocks, store: ObjectStore, settings: UploadSettings, clock: Clock) -> None:
        self._blocks = blocks
        self._store = store
        self._settings = settings
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def prove(self, account_id: str, pending: Sequence[KnownBlock]) -> dict[str, int]:
        """Return the size of each block that has arrived, by hash. An invalid block becomes pending again.

        Unavailable `verifying` if there are too many for one call; results are kept, so the next call continues from
        there.
        """
        started, sizes = time.monotonic(), dict[str, int]()
        for first in range(0, len(pending), BATCH):
            if first and time.monotonic() - started > self._settings.complete_wait_seconds:
                detail = "The blocks are being verified; try again."
                raise Unavailable(detail, code="verifying", retry_after=RETRY_AFTER_SECONDS)
            sizes |= await self._prove_some(account_id, pending[first : first + BATCH])
        return sizes

    async def _prove_some(self, account_id: str, pending: Sequence[KnownBlock]) -> dict[str, int]:
        results = await asyncio.gather(*(self._read_start(block) for block in pending), return_exceptions=True)
        arrived: list[KnownBlock] = []
        for block, result in zip(pending, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            if result is None:
                continue
            start, stored_bytes = result
            size = plain_size(start, stored_bytes)
            if size is None or (len(start) == stored_bytes and not _is_one_frame(start, block, size)):
                await self._replace(account_id, block, stored_bytes)
            else:
                arrived.append(replace(block, state="stored", size=size, stored_bytes=stored_bytes))
        if arrived:
            await self._blocks.mark_stored(account_id, arrived)
        return {block.hash: block.size or 0 for block in arrived}

    async def _read_start(self, block: KnownBlock) -> tuple[bytes, int] | None:
        """Return the first bytes of its object and its size; None if it has not arrived."""
        length = SMALL if block.stored_bytes is not None and block.stored_bytes <= SMALL else MAX_FRAME_HEADER
        async with self._turns:
            try:
                return await self._store.peek(block.key, length)
            except ObjectNotFound:
                return None

    async def _replace(self, account_id: str, block: KnownBlock, found_bytes: int) -> None:
        now = self._clock()
        log.warning("block_refused", key=block.key, stored_bytes=found_bytes)
        await self._blocks.replace(account_id, block, now, now + self._settings.block_put_life, found_bytes)


def _is_one_frame(frame: bytes, block: KnownBlock, size: int) -> bool:
    """Whether this is exactly one frame of the bytes that the block's hash names."""
    try:
        unpack(frame, Block(block.hash, size, block.key))
    except ContentDamaged:
        return False
    return True
