"""The background work of one instance: what is due is sealed, again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from docstore_platform.tasks import end_tasks

log = structlog.get_logger(__name__)


@asynccontextmanager
async def sealing(tasks: Sequence[Callable[[], Awaitable[object]]], every_seconds: float) -> AsyncIterator[None]:
    """Do the tasks, one after the other, until the block ends; one that fails is done the next time."""

    async def forever() -> None:
        while True:
            await asyncio.sleep(every_seconds)
            for task in tasks:
                try:
                    await task()
                except Exception as error:  # noqa: BLE001 - whatever fails is still due, and must not end the rest
                    log.warning("sealing is put off", service="analytics", error=repr(error))

    background = asyncio.create_task(forever(), name="analytics sealing")
    try:
        yield
    finally:
        await end_tasks([background])
