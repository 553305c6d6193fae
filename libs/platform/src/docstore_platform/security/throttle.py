"""Limits how often passwords can be guessed, over all instances."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Protocol

from fastapi import Request

from docstore_platform.clock import Clock
from docstore_platform.errors import TooMany
from docstore_platform.mongodb.client import Collection, Database
from docstore_platform.security.period_counts import MongoPeriodCounts

EVERYWHERE = "everywhere"
"""Address of the count of failures from all addresses."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed attempts at one password from one address."""

    count: int
    until: datetime

    def wait(self, limit: int, now: datetime) -> timedelta | None:
        """Return how long to wait before the next attempt; None if it may be made now."""
        return self.until - now if self.count >= limit and self.until > now else None


class FailureStore(Protocol):
    """Failures by subject, e.g. an e-mail, and address of the client."""

    async def of(self, subject: str, address: str) -> Failures | None: ...

    async def add(self, subject: str, address: str, now: datetime, window: timedelta) -> None: ...

    async def clear(self, subject: str, address: str) -> int:
        """Delete the count; return how many there were."""

    async def subtract(self, subject: str, address: str, count: int) -> None: ...


@dataclass(slots=True)
class Attempt:
    succeeded: bool = False


class Throttle:
    """Counts failures per subject and client address, and per subject over all addresses.

    The first count slows one client down without locking the owner out from elsewhere. The second bounds guesses from
    many addresses. It does not apply to a client that is known to be the owner's, such as a device of an earlier
    log-in, which has a count of its own.
    """

    def __init__(
        self,
        failures: FailureStore,
        *,
        limit: int,
        window: timedelta,
        clock: Clock,
        limit_everywhere: int,
    ) -> None:
        """Allow `limit` failures from one address and `limit_everywhere` from all addresses within a `window`."""
        self._failures = failures
        self._limit = limit
        self._limit_everywhere = limit_everywhere
        self._window = window
        self._clock = clock

    @asynccontextmanager
    async def attempt(self, subject: str, address: str, *, known_as: str = "") -> AsyncIterator[Attempt]:
        """Wrap one check of a password; TooMany after too many failures.

        `known_as`: a client that is known to be the owner's. A success is checked again afterwards, so that none of
        many concurrent guesses can succeed beyond the limit.
        """
        origin = f"known {known_as}" if known_as else client_group(address)
        await self._admit(subject, origin, known=bool(known_as))
        attempt = Attempt()
        yield attempt
        if not attempt.succeeded:
            await self._failures.add(subject, origin, self._clock(), self._window)
            if not known_as:
                await self._failures.add(subject, EVERYWHERE, self._clock(), self._window)
        elif await self._admit(subject, origin, known=bool(known_as)):
            # They were the owner's own, so they do not count as an attack from many addresses either.
            forgotten = await self._failures.clear(subject, origin)
            if forgotten and not known_as:
                await self._failures.subtract(subject, EVERYWHERE, forgotten)

    async def clear(self, subject: str, address: str) -> None:
        """Delete the failures: the client at `address` has proven in another way that it is the owner's."""
        await self._failures.clear(subject, client_group(address))
        await self._failures.clear(subject, EVERYWHERE)

    async def _admit(self, subject: str, origin: str, *, known: bool) -> bool:
        """Check the limit; return whether there were failures of this origin."""
        failures = await self._failures.of(subject, origin)
        self._check(failures, self._limit)
        if not known:
            self._check(await self._failures.of(subject, EVERYWHERE), self._limit_everywhere)
        return failures is not None

    def _check(self, failures: Failures | None, limit: int) -> None:
        wait = failures.wait(limit, self._clock()) if failures else None
        if wait is not None:
            seconds = str(max(1, round(wait.total_seconds())))
            detail = "Too many failed attempts. Try again later."
            raise TooMany(detail, code="too_many_failures", retry_after=seconds)


class MongoFailures:
    """A collection of failures; each document is deleted when its window has passed."""

    def __init__(self, database: Database, collection: str) -> None:
        self._failures: Collection = database[collection]

    async def create_indexes(self) -> None:
        await self._failures.create_index("until", expireAfterSeconds=0)

    async def of(self, subject: str, address: str) -> Failures | None:
        row = await self._failures.find_one({"_id": _failures_id(subject, address)})
        return Failures(row["count"], row["until"]) if row else None

    async def add(self, subject: str, address: str, now: datetime, window: timedelta) -> None:
        counts = MongoPeriodCounts(self._failures, window, lambda: now)
        await counts.add(_failures_id(subject, address))

    async def clear(self, subject: str, address: str) -> int:
        row = await self._failures.find_one_and_delete({"_id": _failures_id(subject, address)})
        return int(row["count"]) if row else 0

    async def subtract(self, subject: str, address: str, count: int) -> None:
        await self._failures.update_one({"_id": _failures_id(subject, address)}, {"$inc": {"count": -count}})


def client_address(request: Request) -> str:
    """Return the address that the gateway added as the last one of X-Forwarded-For; the client wrote those before."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded or (request.client.host if request.client else "")


def client_group(address: str) -> str:
    """Return the unit that a client controls: an IPv6 address's /64, otherwise the address."""
    return _ipv6_network(address, 64)


def client_network(address: str) -> str:
    """Return the most that one customer of a provider gets: an IPv6 address's /48, otherwise the address."""
    return _ipv6_network(address, 48)


def _ipv6_network(address: str, prefix: int) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    whole = isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None
    return str(IPv6Network((int(parsed), prefix), strict=False)) if whole else address


def _failures_id(subject: str, address: str) -> str:
    """Hash, so that what people typed is not stored."""
    return hashlib.sha256(f"{subject}\n{address}".encode()).hexdigest()
