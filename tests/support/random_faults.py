"""Random faults of a running stack: kills, pauses, partitions and wrong clocks of one component or two at once."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from deployments import Bucket, Mailbox
from paired_services import Instance, PairedServices
from stacks import SUPERVISOR, DetachedStack

from docstore_platform.services import SERVICE_NAMES
from docstore_platform.testing import eventually
from docstore_standalone.chaos.faults import partitioned, paused, skewed
from docstore_standalone.chaos.partition import partition_obstacle

MAX_SKEW = 30.0
"""Seconds; what is scheduled by a clock that is ahead is late by as much, and the ledger waits a minute for it."""
SERVERS = ("mongod", "object-store", "broker")


class Faults(Protocol):
    async def strike(self) -> str:
        """One random fault; what it was, once all that was hit is running again."""


@dataclass(frozen=True, slots=True)
class Target:
    """A running deployment, and the power to hurt it."""

    faults: Faults
    gateway: Callable[[], str]
    mailbox: Mailbox
    bucket: Callable[[], Bucket]
    admin: tuple[str, str]


class StackFaults:
    """Faults of `docstore up`, in which the supervisor replaces what dies."""

    def __init__(self, stack: DetachedStack, rng: random.Random, *, processes: bool) -> None:
        self._stack = stack
        self._rng = rng
        self._can_partition = not partition_obstacle()
        self._services = list(SERVICE_NAMES) if processes else ["services"]
        self._components = [*SERVERS, *self._services]

    async def strike(self) -> str:
        chance = self._rng.random()
        if chance < 0.04:
            return await self._kill([SUPERVISOR])
        if 0.6 < chance <= 0.7:
            return await self._skew(self._rng.choice(self._services))
        hit = self._rng.sample(self._components, 2 if chance < 0.2 else 1)
        if chance > 0.85 and self._can_partition:
            return await self._cut_off(hit)
        return await (self._freeze(hit) if chance > 0.7 else self._kill(hit))

    async def _kill(self, hit: Sequence[str]) -> str:
        for component in hit:
            await self._runs(component)
        killed = [(component, await self._stack.kill(component)) for component in hit]
        for component, process in killed:
            await self._stack.returned(component, process)
        return f"killed {' and '.join(hit)}"

    async def _freeze(self, hit: Sequence[str]) -> str:
        for component in hit:
            await self._runs(component)
        processes = [self._stack.process(component) for component in hit]
        seconds = self._rng.uniform(0.1, 4.0)
        async with paused(processes):
            await asyncio.sleep(seconds)
        return f"paused {' and '.join(hit)} for {seconds:.1f} s"

    async def _cut_off(self, hit: Sequence[str]) -> str:
        for component in hit:
            await self._runs(component)
        seconds = self._rng.uniform(0.5, 8.0)
        async with partitioned([self._stack.process(component) for component in hit], seconds):
            await asyncio.sleep(seconds)
        return f"cut off {' and '.join(hit)} for {seconds:.1f} s"

    async def _skew(self, service: str) -> str:
        offset, seconds = self._rng.uniform(-MAX_SKEW, MAX_SKEW), self._rng.uniform(1.0, 8.0)
        async with skewed(self._stack.data, service, offset, seconds):
            await asyncio.sleep(seconds)
        return f"skewed the clock of {service} by {offset:.0f} s for {seconds:.1f} s"

    async def _runs(self, component: str) -> None:
        async def runs() -> bool:
            state = self._stack.state
            known = state.supervisor if component == SUPERVISOR else state.processes.get(component)
            return known is not None and known.find() is not None

        await eventually(runs, every=0.1)


class PairFaults:
    """Faults of two instances of each service behind balancers; what dies is started again."""

    def __init__(self, paired: PairedServices, rng: random.Random) -> None:
        self._pairs = paired
        self._rng = rng
        self._instances = [instance for instances in paired.instances.values() for instance in instances]

    async def strike(self) -> str:
        hit = self._rng.sample(self._instances, self._rng.choice((1, 1, 2)))
        names = " and ".join(f"{instance.name} on {instance.port}" for instance in hit)
        if self._rng.random() > 0.7:
            return f"paused {names} for {await self._freeze(hit):.1f} s"
        await asyncio.gather(*(instance.kill() for instance in hit))
        await asyncio.gather(*(instance.start() for instance in hit))
        await asyncio.gather(*(self._pairs.balanced(instance) for instance in hit))
        return f"killed {names}"

    async def _freeze(self, hit: Sequence[Instance]) -> float:
        seconds = self._rng.uniform(0.1, 4.0)
        async with paused([instance.system_process for instance in hit]):
            await asyncio.sleep(seconds)
        return seconds
