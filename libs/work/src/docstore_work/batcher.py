"""Joins concurrent calls into batches, so that they share a database transaction (group commit)."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

LONGEST_GATHERING_SECONDS = 0.025
REMEMBERED = 0.7
"""Share of the calls of one batch that the next one expects, if fewer came: callers that went are soon forgotten."""
SHUTTING_DOWN = "shutting down"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Call(Generic[Item, Result]):
    item: Item
    result: asyncio.Future[Result]
    context: Context


def _fail(call: _Call[Item, Result], error: Exception) -> None:
    if not call.result.done():
        call.result.set_exception(error)


class Batcher(Generic[Item, Result]):
    """Runs `work` for a call at once; calls that arrive while it runs are its next batch.

    So a call alone never waits, and the more calls there are, the less each costs. Clients that got their results
    together come again together: a batch is gathered until it has as many calls as there were when the last one ended,
    for at most as long as that one took, and at most 25 ms. `work` returns a result for each item, in order, or an
    exception for its caller; if it fails, every caller of the batch gets the error. It runs in the context of the first
    caller.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        largest: int = 500,
        size: Callable[[Item], int] = lambda _: 1,
        at_once: int = 1,
    ) -> None:
        """A batch has at most `largest` items, counted by `size`, or a single larger one.

        `at_once`: number of batches that may run side by side, so that a slow one does not hold up all others.
        """
        self._name = name
        self._work = work
        self._largest = largest
        self._size = size
        self._at_once = at_once
        self._waiting: deque[_Call[Item, Result]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._expected = 1.0
        """Calls: those of the last batch, and those that waited when it ended."""
        self._took_seconds = 0.0
        self._gathered = asyncio.Event()

    async def run(self, item: Item) -> Result:
        """Return the result of `item`."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(item, result, copy_context()))
        if len(self._waiting) >= self._expected:
            self._gathered.set()
        self._start()
        return await result

    def _start(self) -> None:
        if self._waiting and len(self._running) < self._at_once:
            task = asyncio.create_task(self._run_batch(), name=self._name, context=self._waiting[0].context)
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            self._start()
            return
        # The loop ends: it would not wait for another batch.
        while self._waiting:
            _fail(self._waiting.popleft(), ConnectionError(SHUTTING_DOWN))

    def _next_batch(self) -> list[_Call[Item, Result]]:
        batch: list[_Call[Item, Result]] = []
        left = self._largest
        while self._waiting and (not batch or self._size(self._waiting[0].item) <= left):
            batch.append(self._waiting.popleft())
            left -= self._size(batch[-1].item)
        return batch

    async def _gather(self) -> None:
        if len(self._waiting) >= self._expected:
            return
        self._gathered.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(self._took_seconds, LONGEST_GATHERING_SECONDS)):
                await self._gathered.wait()

    async def _run_batch(self) -> None:
        await self._gather()
        batch = self._next_batch()
        if not batch:  # another batch has taken it
            return
        started = time.monotonic()
        try:
            results = await self._work([call.item for call in batch])
            self._took_seconds = time.monotonic() - started
            self._expected = max(len(batch) + len(self._waiting), REMEMBERED * self._expected)
        except BaseException as error:  # every caller gets a result, also when this task is cancelled at shutdown
            for call in batch:
                _fail(call, error if isinstance(error, Exception) else ConnectionError(SHUTTING_DOWN))
            if not isinstance(error, Exception):
                raise
            return
        for call, result in zip(batch, results, strict=True):
            if call.result.done():
                continue
            if isinstance(result, Exception):
                call.result.set_exception(result)
            else:
                call.result.set_result(result)
