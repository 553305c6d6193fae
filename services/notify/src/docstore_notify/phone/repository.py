"""Repository of phones, in collection `phones`."""

from collections.abc import Collection as Several
from dataclasses import asdict
from datetime import datetime
from typing import Protocol

from docstore_notify.phone.rules import CODE_LIFE, MAX_TRIES, Phone
from docstore_platform.mongodb.client import Collection, Database, Document, ReturnDocument, Session

KEPT_UNVERIFIED_SECONDS = 24 * 3600
"""An unverified number may be another person's: the database deletes it this long after its code has expired."""


class Phones(Protocol):
    """At most one phone of each account."""

    async def find(self, account_id: str) -> Phone | None: ...

    async def verified(self, account_ids: Several[str], session: Session) -> set[str]:
        """Return those of the accounts that have a verified phone."""
        ...

    async def put(self, phone: Phone) -> None:
        """Store it in place of the account's former one."""

    async def count_try(self, account_id: str, now: datetime) -> Phone | None:
        """Count a try of the code before it is compared, so that concurrent ones count; None if it takes no more."""
        ...

    async def verify(self, account_id: str, code_id: str) -> bool:
        """Mark the number of this code as verified; False if another was entered meanwhile."""
        ...

    async def remove(self, account_id: str) -> None: ...

    async def remove_entered(self, account_id: str, before: datetime) -> None:
        """Delete a phone whose number was entered before a moment."""


class MongoPhones:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["phones"]

    async def create_indexes(self) -> None:
        unverified = {"verified": False}
        await self._rows.create_index(
            "code_expires_at", expireAfterSeconds=KEPT_UNVERIFIED_SECONDS, partialFilterExpression=unverified
        )

    async def find(self, account_id: str) -> Phone | None:
        row = await self._rows.find_one({"_id": account_id})
        return _phone(row) if row else None

    async def verified(self, account_ids: Several[str], session: Session) -> set[str]:
        which = {"_id": {"$in": list(account_ids)}, "verified": True}
        return {row["_id"] async for row in self._rows.find(which, {"_id": 1}, session=session)}

    async def put(self, phone: Phone) -> None:
        row = asdict(phone)
        await self._rows.replace_one({"_id": row.pop("account_id")}, row, upsert=True)

    async def count_try(self, account_id: str, now: datetime) -> Phone | None:
        takes = {"verified": False, "tries": {"$lt": MAX_TRIES}, "code_expires_at": {"$gt": now}}
        row = await self._rows.find_one_and_update(
            {"_id": account_id, **takes}, {"$inc": {"tries": 1}}, return_document=ReturnDocument.AFTER
        )
        return _phone(row) if row else None

    async def verify(self, account_id: str, code_id: str) -> bool:
        outcome = await self._rows.update_one({"_id": account_id, "code_id": code_id}, {"$set": {"verified": True}})
        return bool(outcome.matched_count)

    async def remove(self, account_id: str) -> None:
        await self._rows.delete_one({"_id": account_id})

    async def remove_entered(self, account_id: str, before: datetime) -> None:
        await self._rows.delete_one({"_id": account_id, "code_expires_at": {"$lt": before + CODE_LIFE}})


def _phone(row: Document) -> Phone:
    return Phone(account_id=row.pop("_id"), **row)
