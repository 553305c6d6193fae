"""Background loops of a service, started by wake-ups and at intervals."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from docstore_platform.tasks import end_tasks
from docstore_work.wakeup import Wakeup

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Loop:
    """A background loop: `work` processes what is due and returns how much; `wakeup` starts it at once.

    `name` appears in logs and begins with the service's name.
    """

    name: str
    work: Callable[[], Awaitable[int]]
    wakeup: str
    every_seconds: float = 60.0
    """Interval without a wake-up."""
    retry_seconds: float = RETRY_SECONDS
    """Pause after a failure."""
    idle_seconds: float = 0.0
    """While nothing is found the pause between two looks doubles up to this; a wake-up makes it short again."""

    @classmethod
    def periodic(cls, name: str, work: Callable[[], Awaitable[object]], every_seconds: float) -> "Loop":
        """Run `work` once an interval; a failure is retried the next time."""

        async def once() -> int:
            await work()
            return 0

        return cls.sweeping(name, once, every_seconds)

    @classmethod
    def sweeping(cls, name: str, work: Callable[[], Awaitable[int]], every_seconds: float) -> "Loop":
        """Run `work` at an interval until nothing is due; a failure, which may last, is retried at the next one."""
        return cls(name, work, name, every_seconds, retry_seconds=every_seconds)

    async def run(self) -> None:
        wakeup = Wakeup([self.wakeup])
        pause = self.every_seconds
        try:
            while True:
                try:
                    worked = await self.work()
                except Exception as error:  # noqa: BLE001 - whatever failed is still due, and retried
                    log.warning("background_work_failed", loop=self.name, error=repr(error))
                    await asyncio.sleep(self.retry_seconds)
                    continue
                if worked or await wakeup.wait(pause):
                    pause = self.every_seconds
                else:
                    pause = max(self.every_seconds, min(2 * pause, self.idle_seconds))
        finally:
            wakeup.close()


@contextlib.asynccontextmanager
async def running_loops(loops: Sequence[Loop]) -> AsyncIterator[None]:
    """Run all loops until the block ends."""
    tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in loops]
    try:
        yield
    finally:
        await end_tasks(tasks)
