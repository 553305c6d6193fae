"""The tree as routes read it: reads that come at the same moment share a query.

The pattern is known as a data loader (github.com/graphql/dataloader), here without its cache.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar, cast

from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.repository import Nodes
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.session import Session

V = TypeVar("V")


class BatchedReads(Generic[V]):
    """Values by key. A call starts a read while fewer than `at_once` are running; else it waits for the next read.

    A read begins after every call that it serves: no caller gets a value that was read before its call.
    """

    def __init__(self, read: Callable[[Sequence[str]], Awaitable[Mapping[str, V]]], *, at_once: int = 2) -> None:
        self._read = read
        self._at_once = at_once
        self._waiting: dict[str, asyncio.Future[V | None]] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> V | None:
        """The value of `key`, None if there is none; raises the error of a failed read."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            if len(self._readers) < self._at_once:
                # An empty context: a read for many callers belongs to the trace of none of them.
                self._readers.add(asyncio.create_task(self._read_for_all(), context=contextvars.Context()))
        return await asyncio.shield(future)

    async def _read_for_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                found = await self._read(list(batch))
            except Exception as error:  # noqa: BLE001 - passed on to every caller, whatever it is
                for future in batch.values():
                    future.set_exception(error)
            else:
                for key, future in batch.items():
                    future.set_result(found.get(key))
        # Without an await since the last check of `_waiting`: a call in between would have no reader.
        self._readers.discard(cast("asyncio.Task[None]", asyncio.current_task()))


class BatchingTree(Tree):
    """Batches reads outside of transactions of nodes that were read before."""

    def __init__(self, nodes: Nodes, clock: Clock = utc_now) -> None:
        super().__init__(nodes, clock)
        self._reads = BatchedReads(self.places)

    async def place(self, node_id: str, session: Session = None) -> Place | None:
        if session is not None or node_id not in self._parents:
            return await super().place(node_id, session)
        return await self._reads.get(node_id)
