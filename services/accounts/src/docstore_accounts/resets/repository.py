"""Requests to reset a password, and the resets made for them, in MongoDB."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_events.transaction import Transaction
from docstore_platform.mongo import Collection, Database, IndexModel

LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """A request for a mailed link: for an e-mail address or, from another region, for an account."""

    id: str
    asked_at: datetime
    email: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """Until then the account's password can be set anew, if it is still the one it was."""

    id: str
    account_id: str
    password_mark: str
    """Tells the password's hash of then from any other."""
    expires_at: datetime
    mailed_to: str = ""
    """Key of the address that the link was mailed to: whoever uses it reads mails there. Empty for an
    administrator's, which proves nothing."""


class ResetRepository(Protocol):
    async def add_request(self, request: ResetRequest) -> None:
        """Queue a request, once however often another region repeats it."""
        ...

    async def take(self, now: datetime, until: datetime) -> ResetRequest | None:
        """One that is due, for whoever takes it until the lease ends."""
        ...

    async def settle(self, request_id: str, transaction: Transaction) -> bool:
        """Take a request out of the queue, also if it is repeated; False if it was already."""
        ...

    async def add(self, reset: Reset, transaction: Transaction) -> None: ...

    async def get(self, reset_id: str) -> Reset | None: ...

    async def count(self, account_id: str, now: datetime, transaction: Transaction) -> int:
        """Resets of an account that were made within their life."""
        ...


class MongoResets:
    def __init__(self, database: Database) -> None:
        self._requests: Collection = database["reset_requests"]
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
        once = {"$setOnInsert": {**row, "due_at": request.asked_at}}
        del once["$setOnInsert"]["id"]
        await self._requests.update_one({"_id": request.id}, once, upsert=True)

    async def take(self, now: datetime, until: datetime) -> ResetRequest | None:
        due = {"due_at": {"$lte": now}}
        row = await self._requests.find_one_and_update(due, {"$set": {"due_at": until}}, sort=[("due_at", 1)])
        return ResetRequest(row["_id"], row["asked_at"], row["email"], row["account_id"]) if row else None

    async def settle(self, request_id: str, transaction: Transaction) -> bool:
        # The row stays for as long as the region that sent it may repeat it, but without the address.
        waiting = {"_id": request_id, "due_at": {"$exists": True}}
        done = await self._requests.update_one(
            waiting, {"$unset": {"due_at": "", "email": ""}}, session=transaction.session
        )
        return bool(done.modified_count)

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
