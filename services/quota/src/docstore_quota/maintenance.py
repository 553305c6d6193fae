"""The background work of one instance: gauges, expired reservations, comparing with metadata."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import structlog

from docstore_platform.clock import Clock, utc_now
from docstore_platform.tasks import end_tasks
from docstore_quota.jobs import Jobs

log = structlog.get_logger(__name__)

Task = Callable[[], Awaitable[object]]


def leased(jobs: Jobs, name: str, every_seconds: float, task: Task, clock: Clock = utc_now) -> Task:
    """The task, done by one instance at a time and once in `every_seconds`."""

    async def when_due() -> None:
        if await jobs.claim(name, clock()) is not None:
            await task()
            await jobs.finish(name, clock() + timedelta(seconds=every_seconds))

    return when_due


@contextlib.asynccontextmanager
async def running(tasks: dict[str, Task], every_seconds: float) -> AsyncIterator[None]:
    """Do the tasks, one after the other, again and again until the block ends; one that fails is done next time."""

    async def forever() -> None:
        while True:
            for name, task in tasks.items():
                try:
                    await task()
                except Exception as error:  # noqa: BLE001 - whatever fails is still due, and must not end the rest
                    log.warning("background work is put off", service="quota", task=name, error=repr(error))
            await asyncio.sleep(every_seconds)

    background = asyncio.create_task(forever(), name="quota maintenance")
    try:
        yield
    finally:
        await end_tasks([background])
