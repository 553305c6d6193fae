"""Instances of services, and a network between them and their servers that fails as it is told."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from aiokafka.errors import KafkaConnectionError
from pymongo.errors import AutoReconnect

from docstore_platform.errors import Unavailable

T = TypeVar("T")

DATABASE, BROKER, SERVICES = "database", "broker", "services"
TIMEOUT_SECONDS = 5.0
LOSS = 0.0002
"""Share of requests that get lost, and of responses, beyond what clients send again by themselves."""
LATENCY_SECONDS = {DATABASE: 0.001, BROKER: 0.004, SERVICES: 0.002}
"""Mean of one way."""


class Instance:
    """A process of a service: it lives until it is killed, and another one takes its place."""

    def __init__(self, service: str, name: str) -> None:
        self.service = service
        self.name = name
        self.alive = True
        self.paused_until = 0.0
        self.cut_from: set[str] = set()
        self.skew = 0.0
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work` as part of this process."""
        context = copy_context()
        context.run(current.set, self)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks = [each for each in self._tasks if not each.done()]
        self._tasks.append(task)
        return task

    def kill(self) -> None:
        """End at once: what runs reaches no server any more, not even to clean up."""
        self.alive = False
        for task in self._tasks:
            task.cancel()

    async def resumed(self) -> None:
        """Wait while this process is paused."""
        loop = asyncio.get_running_loop()
        while self.alive and self.paused_until > loop.time():  # noqa: ASYNC110 - a pause may be prolonged
            await asyncio.sleep(self.paused_until - loop.time())

    def is_responsive(self, server: str) -> bool:
        now = asyncio.get_running_loop().time()
        return self.alive and self.paused_until <= now and server not in self.cut_from


current: ContextVar[Instance | None] = ContextVar("current", default=None)


def skew_of_current() -> float:
    """Seconds by which the clock of the process that asks is ahead."""
    instance = current.get()
    return instance.skew if instance is not None else 0.0


class Network:
    """Carries requests: `call` is one, whose response may be lost although it took effect."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.down_until: dict[str, float] = {}
        self.slowness: dict[str, float] = {}
        """How many times as long requests to a server take."""

    async def call(self, server: str, act: Callable[[], Awaitable[T]]) -> T:
        await self.travel(server)
        result = await act()
        await self.travel(server)
        return result

    async def travel(self, server: str) -> None:
        """Pass one way; raise as the server's client does if it can't be reached."""
        instance = current.get()
        mean = LATENCY_SECONDS[server] * self.slowness.get(server, 1.0)
        await asyncio.sleep(mean * (0.5 + self._rng.random()))
        now = asyncio.get_running_loop().time()
        if instance is not None:
            if instance.paused_until > now:
                await instance.resumed()
            if not instance.alive:
                raise asyncio.CancelledError
        is_cut = instance is not None and server in instance.cut_from
        if is_cut or self.down_until.get(server, 0.0) > now or self._rng.random() < LOSS:
            await asyncio.sleep(TIMEOUT_SECONDS * self._rng.random())
            raise _unreachable(server)


def _unreachable(server: str) -> Exception:
    if server == DATABASE:
        return AutoReconnect("unreachable")
    return KafkaConnectionError("unreachable") if server == BROKER else Unavailable("unreachable")
