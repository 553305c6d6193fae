"""Who has asked for a new password, and the resets made for them, in MongoDB."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_platform.mongo import Collection, Database, IndexModel
from docstore_platform.mongo import Session as Transaction

LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody wants a mail with a link: to an e-mail address or, if another region says so, to an account."""

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


class ResetStore(Protocol):
    async def ask(self, asked: Asked) -> None:
        """Once, however often it is told."""
        ...

    async def take(self, now: datetime, until: datetime) -> Asked | None:
        """One that is due, for whoever takes it until the lease ends."""
        ...

    async def settle(self, asked_id: str, tx: Transaction) -> bool:
        """It is done with, also if it is asked again; False if it was already."""
        ...

    async def add(self, reset: Reset, tx: Transaction) -> None: ...

    async def get(self, reset_id: str) -> Reset | None: ...

    async def count(self, account_id: str, now: datetime, tx: Transaction) -> int:
        """Resets of an account that were made within their life."""
        ...


class MongoResets:
    def __init__(self, database: Database) -> None:
        self._asked: Collection = database["reset_requests"]
        self._resets: Collection = database["password_resets"]

    async def create_indexes(self) -> None:
        """What was asked is forgotten after so long, answered or not, as is what has ended."""
        seconds = int(LIFE.total_seconds())
        await self._asked.create_indexes(
            [IndexModel("due_at"), IndexModel("asked_at", expireAfterSeconds=seconds, name="kept")]
        )
        await self._resets.create_indexes([IndexModel("account_id"), IndexModel("expires_at", expireAfterSeconds=0)])

    async def ask(self, asked: Asked) -> None:
        row = asdict(asked)
        once = {"$setOnInsert": {**row, "due_at": asked.asked_at}}
        del once["$setOnInsert"]["id"]
        await self._asked.update_one({"_id": asked.id}, once, upsert=True)

    async def take(self, now: datetime, until: datetime) -> Asked | None:
        due = {"due_at": {"$lte": now}}
        row = await self._asked.find_one_and_update(due, {"$set": {"due_at": until}}, sort=[("due_at", 1)])
        return Asked(row["_id"], row["asked_at"], row["email"], row["account_id"]) if row else None

    async def settle(self, asked_id: str, tx: Transaction) -> bool:
        # The row stays for as long as the region that told of it may tell again, but not whose address it was.
        waiting = {"_id": asked_id, "due_at": {"$exists": True}}
        done = await self._asked.update_one(waiting, {"$unset": {"due_at": "", "email": ""}}, session=tx)
        return bool(done.modified_count)

    async def add(self, reset: Reset, tx: Transaction) -> None:
        row = asdict(reset)
        await self._resets.insert_one({"_id": row.pop("id"), **row}, session=tx)

    async def get(self, reset_id: str) -> Reset | None:
        row = await self._resets.find_one({"_id": reset_id})
        if row is None:
            return None
        return Reset(row["_id"], row["account_id"], row["password_mark"], row["expires_at"], row.get("mailed_to", ""))

    async def count(self, account_id: str, now: datetime, tx: Transaction) -> int:
        running = {"account_id": account_id, "expires_at": {"$gt": now}}
        return int(await self._resets.count_documents(running, session=tx))
