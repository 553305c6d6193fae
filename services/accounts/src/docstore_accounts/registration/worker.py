"""Background task that creates the first administrator."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from docstore_accounts.registration.service import RegistrationService
from docstore_platform.tasks import end_tasks

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0


@contextlib.asynccontextmanager
async def creating_first_admin(registration: RegistrationService) -> AsyncIterator[None]:
    """Create the first administrator at once, or as soon as the e-mail's arbiter is reachable."""
    if await registration.create_first_admin():
        yield
        return

    async def retry() -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                if await registration.create_first_admin():
                    return
            except Exception as error:  # noqa: BLE001 - whatever failed, it is retried
                log.warning("first_admin_failed", error=repr(error))

    task = asyncio.create_task(retry(), name="first administrator")
    try:
        yield
    finally:
        await end_tasks([task])
