"""Answers who has forgotten their password: at once, and what other instances have left a little later."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from docstore_accounts.resets import ResetService
from docstore_events.wakeup import Wakeup
from docstore_platform.tasks import end_tasks

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def answering(resets: ResetService, *, wakeup_name: str, poll_seconds: float) -> AsyncIterator[None]:
    """Requests are answered until the block ends."""
    task = asyncio.create_task(_keep_answering(resets, wakeup_name, poll_seconds), name="password resets")
    try:
        yield
    finally:
        await end_tasks([task])


async def _keep_answering(resets: ResetService, wakeup_name: str, poll_seconds: float) -> None:
    wakeup = Wakeup([wakeup_name])
    try:
        while True:
            try:
                while await resets.answer_next():
                    pass
            except Exception as error:  # noqa: BLE001 - whatever fails, what was asked is due again
                log.warning("a request for a new password waits", error=repr(error))
            await wakeup.wait(poll_seconds)
    finally:
        wakeup.close()
