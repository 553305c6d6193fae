"""Batched writes to an index: accepted at once, applied together, retried until they succeed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from docstore_indexer.engines.engine import EngineFailed

log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0
Write = TypeVar("Write")


@dataclass(slots=True)
class WriteBatch(Generic[Write]):
    """Writes to apply together, at most the latest for each file. `backlog` is for a rebuild only."""

    live: dict[str, Write] = field(default_factory=dict)
    backlog: dict[str, Write] = field(default_factory=dict)
    chars: int = 0
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class WriteBatches(Generic[Write]):
    """One batch collects writes while another is applied."""

    def __init__(
        self,
        apply: Callable[[WriteBatch[Write]], Awaitable[None]],
        rest: Callable[[], Awaitable[None]],
        *,
        pause_seconds: float,
        idle_seconds: float,
        batch_chars: int,
    ) -> None:
        """`apply` raises EngineFailed if it did nothing or only a part; `rest` is called once idle.

        Batches are at least `pause_seconds` apart; with `batch_chars` of text pending, writers wait.
        """
        self.exclusive = asyncio.Lock()
        """Held while `apply` or `rest` runs."""
        self._apply = apply
        self._rest = rest
        self._pause_seconds = pause_seconds
        self._idle_seconds = idle_seconds
        self._batch_chars = batch_chars
        self._waiting: WriteBatch[Write] | None = None
        self._applied: WriteBatch[Write] | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._apply_all())

    @property
    def started(self) -> bool:
        return self._task is not None

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def accept(self, file_id: str, write: Write, chars: int) -> None:
        batch = await self._room()
        batch.live[file_id] = write
        batch.chars += chars

    async def accept_backlog(self, file_id: str, write: Write, chars: int) -> None:
        batch = await self._room()
        batch.backlog[file_id] = write
        batch.chars += chars

    async def _room(self) -> WriteBatch[Write]:
        """Return the collecting batch; if it is full, wait for the next one."""
        while self._waiting is not None and self._waiting.chars > self._batch_chars:
            await asyncio.shield(self._waiting.done)
        if self._waiting is None:
            self._waiting = WriteBatch()
            self._wake.set()
        return self._waiting

    def waiting_files(self) -> set[str]:
        """Files with accepted changes that are not being applied yet."""
        return set(self._waiting.live) if self._waiting else set()

    async def flush(self) -> None:
        """Wait until everything accepted before is applied. Raises EngineFailed if the next attempt fails."""
        batch = self._waiting or self._applied
        if batch is not None:
            await asyncio.shield(batch.done)

    async def _apply_all(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    await self._wake.wait()
            except TimeoutError:
                with suppress(EngineFailed):
                    async with self.exclusive:
                        await self._rest()
                await self._wake.wait()
            await asyncio.sleep(await self._apply_one())

    async def _apply_one(self) -> float:
        """Apply the collected batch; return the seconds until the next attempt."""
        async with self.exclusive:
            self._wake.clear()
            batch, self._waiting = self._waiting, None
            if batch is None:
                return 0.0
            self._applied = batch
            try:
                await self._apply(batch)
            except EngineFailed as error:
                log.error("index_commit_failed", error=str(error)[:500])
                self._take_back(batch)
                batch.done.set_exception(error)
                batch.done.exception()  # marks it as retrieved: there may be no waiter
                return _RETRY_SECONDS
            finally:
                self._applied = None
            batch.done.set_result(None)
            return self._pause_seconds

    def _take_back(self, failed: WriteBatch[Write]) -> None:
        """Return failed writes to the batch, behind newer ones."""
        newer = self._waiting or WriteBatch()
        newer.live = failed.live | newer.live
        newer.backlog = failed.backlog | newer.backlog
        newer.chars += failed.chars
        self._waiting = newer
        self._wake.set()
