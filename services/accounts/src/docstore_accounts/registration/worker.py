"""Background task that creates the first administrator."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from docstore_accounts.registration.service import RegistrationService
from docstore_platform.mongo import PyMongoError
from docstore_platform.problems import Problem
from docstore_platform.tasks import end_tasks

RETRY_SECONDS = 1.0


@contextlib.asynccontextmanager
async def creating_first_admin(registration: RegistrationService) -> AsyncIterator[None]:
    """Create the first administrator: at once, or as soon as the region that decides about the e-mail is reachable."""
    if await registration.create_first_admin():
        yield
        return

    async def retry() -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            with contextlib.suppress(Problem, PyMongoError):
                if await registration.create_first_admin():
                    return

    task = asyncio.create_task(retry(), name="first administrator")
    try:
        yield
    finally:
        await end_tasks([task])
