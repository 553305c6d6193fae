"""Limits how often passwords can be guessed, over all instances."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from docstore_accounts.domain import client_group
from docstore_accounts.storage import FailureStore
from docstore_platform.clock import Clock
from docstore_platform.problems import Problem


@dataclass(slots=True)
class Attempt:
    succeeded: bool = False


class Throttle:
    """Counts failures per e-mail and client address, so that a stranger can't lock the owner out from elsewhere."""

    def __init__(self, failures: FailureStore, *, limit: int, window: timedelta, clock: Clock) -> None:
        self._failures = failures
        self._limit = limit
        self._window = window
        self._clock = clock

    @asynccontextmanager
    async def attempt(self, email: str, address: str) -> AsyncIterator[Attempt]:
        """Around one check of a password; Problem 429 after too many that failed.

        A success is looked at again afterwards: of many guesses sent at once none may hit after the limit.
        """
        address = client_group(address)
        await self._admit(email, address)
        attempt = Attempt()
        yield attempt
        if not attempt.succeeded:
            await self._failures.add(email, address, self._clock(), self._window)
        elif await self._admit(email, address):
            await self._failures.clear(email, address)

    async def _admit(self, email: str, address: str) -> bool:
        """Whether there were failures, if not too many."""
        failures = await self._failures.of(email, address)
        wait = failures.wait(self._limit, self._clock()) if failures else None
        if wait is not None:
            seconds = str(max(1, round(wait.total_seconds())))
            detail = "Too many failed log-ins; try again later."
            raise Problem(429, "too_many_failures", detail, headers={"Retry-After": seconds})
        return failures is not None
