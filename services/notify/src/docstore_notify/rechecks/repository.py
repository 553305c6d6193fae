"""Repository of rechecks: accounts that have lost a right to read."""

from collections.abc import Collection as Several
from contextlib import suppress
from typing import Protocol

from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Session
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

LEASE_SECONDS = 60.0
RETRY_SECONDS = 5.0


class Rechecks(Protocol):
    """Queue of accounts; a lease has the account's id."""

    async def add(self, account_ids: Several[str], session: Session) -> None: ...

    async def claim(self) -> Lease | None: ...

    async def due_in(self) -> float | None: ...

    async def complete(self, lease: Lease) -> None:
        """Remove the account, unless another right has ended meanwhile."""

    async def postpone(self, lease: Lease) -> None: ...


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

    async def claim(self) -> Lease | None:
        return await self._queue.claim()

    async def due_in(self) -> float | None:
        return await self._queue.due_in()

    async def complete(self, lease: Lease) -> None:
        with suppress(LeaseLost):
            await self._queue.complete(lease)

    async def postpone(self, lease: Lease) -> None:
        with suppress(LeaseLost):
            await self._queue.postpone(lease, RETRY_SECONDS)
