"""Repository of rechecks: accounts that have lost a right to read, or that another person has taken over."""

from collections.abc import Collection as Several
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Session
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

LEASE_SECONDS = 60.0
RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Recheck:
    """An account that this worker has leased."""

    account_id: str
    lease: Lease
    taken_over_at: datetime | None = None
    """When another person took it over; None if it has lost a right."""


class Rechecks(Protocol):
    """Queue of accounts."""

    async def add(self, account_ids: Several[str], session: Session) -> None: ...

    async def add_taken_over(self, account_id: str, at: datetime, session: Session) -> None:
        """Queue an account that another person takes over, due at that moment."""

    async def claim(self) -> Recheck | None: ...

    async def due_in(self) -> float | None: ...

    async def complete(self, recheck: Recheck) -> None:
        """Remove the account, unless another right has ended meanwhile."""

    async def postpone(self, recheck: Recheck) -> None: ...


class MongoRechecks:
    """Fields have the names of the release before, since instances of both work on the same documents."""

    def __init__(self, database: Database) -> None:
        self._rechecks: Collection = database["rechecks"]
        self._queue = LeaseQueue(
            self._rechecks, "notify rechecks", lease_seconds=LEASE_SECONDS, legacy_owner="token", due_field="next_at"
        )

    async def create_indexes(self) -> None:
        await self._rechecks.create_index([("next_at", ASCENDING)])

    async def add(self, account_ids: Several[str], session: Session) -> None:
        for account_id in account_ids:
            await self._queue.add(account_id, {}, session=session)

    async def add_taken_over(self, account_id: str, at: datetime, session: Session) -> None:
        id_ = f"{account_id} taken over {at.isoformat()}"  # beside a right that it loses
        await self._queue.add(id_, {"account_id": account_id, "taken_over_at": at}, at=at, session=session)

    async def claim(self) -> Recheck | None:
        lease = await self._queue.claim()
        if lease is None:
            return None
        return Recheck(lease.document.get("account_id", lease.id), lease, lease.document.get("taken_over_at"))

    async def due_in(self) -> float | None:
        return await self._queue.due_in()

    async def complete(self, recheck: Recheck) -> None:
        with suppress(LeaseLost):
            await self._queue.complete(recheck.lease)

    async def postpone(self, recheck: Recheck) -> None:
        with suppress(LeaseLost):
            await self._queue.postpone(recheck.lease, RETRY_SECONDS)
