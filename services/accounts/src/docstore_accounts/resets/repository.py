"""Requests to reset a password, and the resets created for them, in MongoDB."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import Collection, Database, IndexModel
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """A request for a mailed link: for an e-mail address or, from another region, for an account."""

    id: str
    asked_at: datetime
    email: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedRequest:
    """A request that an instance has leased."""

    request: ResetRequest
    lease: Lease


@dataclass(frozen=True, slots=True)
class Reset:
    """The right to reset an account's password until it expires, unless the password changes before."""

    id: str
    account_id: str
    password_mark: str
    """Identifies the password's hash at creation."""
    expires_at: datetime
    mailed_to: str = ""
    """Key of the address that the link was mailed to, which using the link verifies. Empty for an administrator's
    link, which verifies nothing."""


class ResetRepository(Protocol):
    async def add_request(self, request: ResetRequest) -> None:
        """Queue a request, once even if another region repeats it."""

    async def claim(self) -> ClaimedRequest | None:
        """Lease a due request."""

    async def complete(self, claimed: ClaimedRequest, transaction: Transaction) -> None:
        """Remove a request from the queue, even if it is repeated later. Raises LeaseLost."""

    async def postpone(self, claimed: ClaimedRequest) -> None:
        """Make a request due again after the time of a lease, unless another instance has it now."""

    async def add(self, reset: Reset, transaction: Transaction) -> None: ...

    async def get(self, reset_id: str) -> Reset | None: ...

    async def count(self, account_id: str, now: datetime, transaction: Transaction) -> int:
        """Return how many unexpired resets an account has."""


class MongoResets:
    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._requests: Collection = database["reset_requests"]
        self._queue = LeaseQueue(self._requests, "accounts resets", lease_seconds=lease_seconds)
        self._lease_seconds = lease_seconds
        self._resets: Collection = database["password_resets"]

    async def create_indexes(self) -> None:
        """Requests are deleted after a reset's life, handled or not, and resets when they expire."""
        seconds = int(LIFE.total_seconds())
        await self._requests.create_indexes(
            [IndexModel("due_at"), IndexModel("asked_at", expireAfterSeconds=seconds, name="kept")]
        )
        await self._resets.create_indexes([IndexModel("account_id"), IndexModel("expires_at", expireAfterSeconds=0)])

    async def add_request(self, request: ResetRequest) -> None:
        row = asdict(request)
        await self._queue.add_once(row.pop("id"), row)

    async def claim(self) -> ClaimedRequest | None:
        lease = await self._queue.claim()
        if lease is None:
            return None
        row = lease.document
        return ClaimedRequest(ResetRequest(row["_id"], row["asked_at"], row["email"], row["account_id"]), lease)

    async def complete(self, claimed: ClaimedRequest, transaction: Transaction) -> None:
        # An instance of the release before completes requests without checking the lease.
        queued = {**self._queue.held(claimed.lease), "due_at": {"$exists": True}}
        if await self._requests.find_one(queued, {"_id": 1}, session=transaction.session) is None:
            raise LeaseLost
        # The row stays, without the address, as long as the region that sent it may repeat it.
        await self._queue.complete(claimed.lease, {"email": ""}, session=transaction.session)

    async def postpone(self, claimed: ClaimedRequest) -> None:
        with suppress(LeaseLost):
            await self._queue.postpone(claimed.lease, self._lease_seconds)

    async def add(self, reset: Reset, transaction: Transaction) -> None:
        row = asdict(reset)
        await self._resets.insert_one({"_id": row.pop("id"), **row}, session=transaction.session)

    async def get(self, reset_id: str) -> Reset | None:
        row = await self._resets.find_one({"_id": reset_id})
        if row is None:
            return None
        return Reset(row["_id"], row["account_id"], row["password_mark"], row["expires_at"], row.get("mailed_to", ""))

    async def count(self, account_id: str, now: datetime, transaction: Transaction) -> int:
        running = {"account_id": account_id, "expires_at": {"$gt": now}}
        return int(await self._resets.count_documents(running, session=transaction.session))
