"""Measures how far away the other regions are, and how far behind."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from docstore_accounts.regions.client import RegionUnreachable
from docstore_accounts.regions.queue_repository import ReplicationQueue

ROUND_TRIPS = 3
"""The fastest counts: the first opens a connection."""


class DistantRegion(Protocol):
    """Another region, to be measured."""

    @property
    def name(self) -> str: ...

    @property
    def public_url(self) -> str: ...

    async def ping(self) -> None:
        """Raises RegionUnreachable."""


@dataclass(frozen=True, slots=True)
class RegionState:
    """A region, as this instance last measured it."""

    name: str
    url: str
    current: bool = False
    reachable: bool | None = None
    latency_seconds: float | None = None
    lag_seconds: float = 0.0


class RegionMonitor:
    """Keeps the last measurements; `measure` takes new ones. A region on its own has nothing to measure."""

    def __init__(
        self,
        here: RegionState,
        others: Collection[DistantRegion] = (),
        queue: ReplicationQueue | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._here = here
        self._others = others
        self._queue = queue
        self._clock = clock
        self._states = {other.name: RegionState(other.name, other.public_url) for other in others}

    def states(self) -> list[RegionState]:
        """All regions by name."""
        return sorted([self._here, *self._states.values()], key=lambda state: state.name)

    async def measure(self) -> None:
        """Measure all other regions at once."""
        for state in await asyncio.gather(*(self._measured(other) for other in self._others)):
            self._states[state.name] = state

    async def _measured(self, other: DistantRegion) -> RegionState:
        lag = await self._queue.waiting_seconds(other.name) if self._queue else 0.0
        trips = []
        try:
            for _ in range(ROUND_TRIPS):
                started = self._clock()
                await other.ping()
                trips.append(self._clock() - started)
        except RegionUnreachable:
            return RegionState(other.name, other.public_url, reachable=False, lag_seconds=lag)
        return RegionState(other.name, other.public_url, reachable=True, latency_seconds=min(trips), lag_seconds=lag)
