"""Renews a lease while work goes on that may outlast it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from docstore_platform.mongodb.session import DatabaseError
from docstore_platform.tasks import end_tasks

log = structlog.get_logger(__name__)

RENEWALS_PER_LEASE = 3


@asynccontextmanager
async def renewing(name: str, lease_seconds: float, renew: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    """Call `renew` three times in `lease_seconds` while the block runs, until it returns False: there is no lease.

    When the database fails it is called again as late as ever, so one failure loses no lease.
    """
    task = asyncio.create_task(_renew_repeatedly(name, lease_seconds, renew), name=f"lease of {name}")
    try:
        yield
    finally:
        await end_tasks([task])


async def _renew_repeatedly(name: str, lease_seconds: float, renew: Callable[[], Awaitable[bool]]) -> None:
    is_held = True
    while is_held:
        await asyncio.sleep(lease_seconds / RENEWALS_PER_LEASE)
        try:
            is_held = await renew()
        except DatabaseError as error:
            log.warning("lease_not_renewed", lease=name, error=repr(error))
