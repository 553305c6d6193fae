"""Writes synced records only after the steps that they describe are flushed to disk.

The state may be on another disk than the folder. If a power cut undid a step that was already recorded, the next sync
would mistake the old file for an edit, and a missing file for a deletion.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from docstore_sync.model import BegunRemoval, BegunUpload, SyncedEntry
from docstore_sync.steps import Ledger

PAUSE_SECONDS = 1.0
"""Interval of commits."""

T = TypeVar("T")


class DurableLedger:
    """Buffers records and writes them after `flush` has made the steps durable.

    If a crash or a failed flush loses records, the next scan detects what was done.
    """

    def __init__(self, ledger: Ledger, flush: Callable[[], Awaitable[None]]) -> None:
        self._ledger = ledger
        self._flush = flush
        self._waiting: list[Callable[[], None]] = []
        self._in_order = asyncio.Lock()

    def record(self, entry: SyncedEntry) -> None:
        self._waiting.append(partial(self._ledger.record, entry))

    def forget(self, synced_id: str) -> None:
        self._waiting.append(partial(self._ledger.forget, synced_id))

    async def begin_uploads(self, uploads: Iterable[BegunUpload]) -> None:
        """Record uploads before they are begun."""
        self._waiting += [partial(self._ledger.begin_upload, upload) for upload in uploads]
        await self.commit()

    async def begin_removals(self, removals: Iterable[BegunRemoval]) -> None:
        """Record the removal of local copies before they are deleted."""
        self._waiting += [partial(self._ledger.begin_removal, removal) for removal in removals]
        await self.commit()

    async def commit(self) -> None:
        """Flush, then write all buffered records in order. Concurrent calls wait for each other."""
        async with self._in_order:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                return
            try:
                await self._flush()
            except BaseException:  # also when cancelled: no write may be lost
                self._waiting[:0] = waiting
                raise
            with self._ledger.transaction():
                for write in waiting:
                    write()

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` and return its result. Commit records every PAUSE_SECONDS and at its end, whether it succeeds or
        fails. If a commit fails, cancel the work."""
        working, keeping = asyncio.create_task(work), asyncio.create_task(self._commit_regularly())
        try:
            await asyncio.wait((working, keeping), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await keeping
            response = await working
        except BaseException:  # also when cancelled: both tasks must end
            await _end(working, keeping)
            with suppress(Exception):  # raise the first error
                await self.commit()
            raise
        await _end(keeping)
        await self.commit()
        return response

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.commit()


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
