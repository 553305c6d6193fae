"""Reads that come together made together: a busy service asks its database once for many callers.

The pattern is known as a data loader (github.com/graphql/dataloader), here without its cache.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar, cast

V = TypeVar("V")


class BatchedReads(Generic[V]):
    """Values by key. A call is answered at once while fewer than `at_once` reads are under way, else by the next one.

    A read begins after every call it answers: no caller gets what was read before its call.
    """

    def __init__(self, read: Callable[[Sequence[str]], Awaitable[Mapping[str, V]]], *, at_once: int = 2) -> None:
        self._read = read
        self._at_once = at_once
        self._waiting: dict[str, asyncio.Future[V | None]] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> V | None:
        """The value of `key`, None if there is none; whatever the read failed with."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            if len(self._readers) < self._at_once:
                # A context of its own: what is read for many belongs to the trace of none of them.
                self._readers.add(asyncio.create_task(self._read_for_all(), context=contextvars.Context()))
        return await asyncio.shield(future)

    async def _read_for_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            try:
                found = await self._read(list(asked))
            except Exception as error:  # noqa: BLE001 - every caller gets the error
                for future in asked.values():
                    future.set_exception(error)
            else:
                for key, future in asked.items():
                    future.set_result(found.get(key))
        # In the same step as the look at who waits: a call between the two would wait for nobody.
        self._readers.discard(cast("asyncio.Task[None]", asyncio.current_task()))
