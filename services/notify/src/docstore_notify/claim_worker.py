"""Processes the due work of a queue, a bounded number of items concurrently."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Generic, Protocol, TypeVar

import structlog

from docstore_platform.tasks import end_tasks
from docstore_work.wakeup import Wakeup, wake

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
STOP_SECONDS = 10.0

T = TypeVar("T")


class Queue(Protocol[T]):
    """A queue that instances share by claiming work, and the processing of an item."""

    async def claim(self) -> T | None: ...

    async def due_in(self) -> float | None:
        """Return the seconds until something is due; None if nothing is pending."""

    async def do(self, claimed: T) -> None: ...


class ClaimWorker(Generic[T]):
    """One instance's worker on one queue."""

    def __init__(self, name: str, queue: Queue[T], *, parallel: int, poll_seconds: float, wakeup_name: str) -> None:
        self._name = name
        self._queue = queue
        self._poll_seconds = poll_seconds
        self._wakeup_name = wakeup_name
        self._wakeup = Wakeup([wakeup_name])
        self._slots = asyncio.Semaphore(parallel)
        self._doing: set[asyncio.Task[None]] = set()
        self._stopping = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until the block ends. Work under way is finished then: cut off, it would wait for the end of its lease
        and perhaps run twice."""
        loop = asyncio.create_task(self._run(), name=f"notify {self._name}")
        try:
            yield
        finally:
            self._stopping = True
            wake(self._wakeup_name)
            await _finish({loop})
            await _finish(self._doing)

    async def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    if not await self._take_one():
                        await self._wakeup.wait(await self._idle_seconds())
                except Exception as error:  # noqa: BLE001 - whatever failed, later messages must be sent
                    log.warning("worker_retries", service="notify", worker=self._name, error=repr(error))
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._wakeup.close()

    async def _take_one(self) -> bool:
        """Start one due item; return whether there was one."""
        await self._slots.acquire()
        try:
            claimed = await self._queue.claim()
        except BaseException:  # also when cancelled: the slot must be released
            self._slots.release()
            raise
        if claimed is None:
            self._slots.release()
            return False
        task = asyncio.create_task(self._do(claimed))
        self._doing.add(task)
        task.add_done_callback(self._done)
        return True

    async def _do(self, claimed: T) -> None:
        await self._queue.do(claimed)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._doing.discard(task)
        self._slots.release()
        self._wakeup.wake()  # what could not be done may be due again before the next look
        if not task.cancelled() and task.exception() is not None:
            log.warning("work_left_until_lease_end", worker=self._name, error=repr(task.exception()))

    async def _idle_seconds(self) -> float:
        """Return the time until the next due item, at most the poll interval for what other instances have left."""
        due_in = await self._queue.due_in()
        return self._poll_seconds if due_in is None else min(due_in, self._poll_seconds)


async def _finish(tasks: set[asyncio.Task[None]]) -> None:
    """Wait for tasks to end, and cancel those that take too long."""
    if not tasks:
        return
    _, unfinished = await asyncio.wait(tasks, timeout=STOP_SECONDS)
    await end_tasks(unfinished)
