"""When leases are renewed, without a database."""

import asyncio

import pytest

from docstore_platform.mongodb.session import DatabaseError
from docstore_platform.testing import eventually
from docstore_work.renewal import renewing

LEASE_SECONDS = 0.03
FAILED = DatabaseError("no primary")


class Renewals:
    """Attempts to renew: each has the next of `outcomes`, and those after the last one succeed."""

    def __init__(self, *outcomes: bool | Exception) -> None:
        self._outcomes = iter(outcomes)
        self.attempts = 0

    async def renew(self) -> bool:
        self.attempts += 1
        outcome = next(self._outcomes, True)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def are_many(self) -> bool:
        return self.attempts > 5


async def are_over() -> bool:
    return not [task for task in asyncio.all_tasks() if task.get_name() == "lease of test"]


async def test_a_renewal_that_the_database_fails_is_tried_again() -> None:
    """Once or twice, and the lease is renewed as before after that."""
    renewals = Renewals(True, FAILED, FAILED, True)
    async with renewing("test", LEASE_SECONDS, renewals.renew):
        await eventually(renewals.are_many)


async def test_a_lease_that_is_gone_is_not_renewed_again() -> None:
    """However long the work takes."""
    renewals = Renewals(True, False)
    async with renewing("test", LEASE_SECONDS, renewals.renew):
        await eventually(are_over)
    assert renewals.attempts == 2


async def test_the_work_ends_its_renewals_however_it_ends() -> None:
    """By an error too, which its caller gets."""
    renewals = Renewals()

    async def work() -> None:
        async with renewing("test", LEASE_SECONDS, renewals.renew):
            await eventually(renewals.are_many)
            raise ValueError("the work's own")

    with pytest.raises(ValueError, match="the work's own"):
        await work()
    assert await are_over()
