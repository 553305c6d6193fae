"""What is recorded of steps: only what a power cut can no longer undo.

The state may be on another disk than the folder. If that said of a file that is synced what its folder does not yet
have for good, the next sync would take the old file for an edit, and a missing one for a deletion.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from docstore_sync.model import SyncedEntry
from docstore_sync.steps import Ledger

PAUSE_SECONDS = 1.0
"""Steps of so long are settled together."""

T = TypeVar("T")


class LastingLedger:
    """Keeps what is recorded once `settle` has brought the steps to the disk for good.

    What is lost before that, or because `settle` raises, shows in the trees.
    """

    def __init__(self, ledger: Ledger, settle: Callable[[], Awaitable[None]]) -> None:
        self._ledger = ledger
        self._settle = settle
        self._waiting: list[Callable[[], None]] = []
        self._in_order = asyncio.Lock()

    def record(self, entry: SyncedEntry) -> None:
        self._waiting.append(partial(self._ledger.record, entry))

    def forget(self, synced_id: str) -> None:
        self._waiting.append(partial(self._ledger.forget, synced_id))

    async def keep(self) -> None:
        """All that was recorded until now, in its order also if it is kept twice at once."""
        async with self._in_order:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                return
            try:
                await self._settle()
            except BaseException:
                self._waiting[:0] = waiting
                raise
            with self._ledger.together():
                for keep in waiting:
                    keep()

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` answers; what it records is kept as it goes on, however long a single step takes, and at its end,
        whatever that is. Work of which nothing can be kept any more is ended."""
        working, keeping = asyncio.create_task(work), asyncio.create_task(self._keep_on())
        try:
            await asyncio.wait((working, keeping), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await keeping
            answer = await working
        except BaseException:
            await _end(working, keeping)
            with suppress(Exception):  # what went wrong first is what is told
                await self.keep()
            raise
        await _end(keeping)
        await self.keep()
        return answer

    async def _keep_on(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.keep()


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
