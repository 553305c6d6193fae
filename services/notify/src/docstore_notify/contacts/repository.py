"""Names, addresses and languages of accounts, from their events, in collection `contacts`."""

from collections.abc import Collection as Several
from collections.abc import Iterable
from typing import Protocol

from docstore_notify.contacts.rules import Contact
from docstore_platform.languages import SOURCE
from docstore_platform.mongodb.client import Collection, Database, Document, Session, UpdateOne


class Contacts(Protocol):
    """Name and address of every account."""

    async def find(self, account_ids: Several[str]) -> dict[str, Contact]: ...

    async def language_of(self, account_id: str) -> str:
        """Return the language in which an account is written to; English for an unknown one."""

    async def keep_newest(self, contacts: Iterable[Contact], session: Session) -> None:
        """Store contacts, except those with a later stored revision."""


class MongoContacts:
    def __init__(self, database: Database) -> None:
        self._contacts: Collection = database["contacts"]

    async def find(self, account_ids: Several[str]) -> dict[str, Contact]:
        rows = self._contacts.find({"_id": {"$in": list(account_ids)}})
        return {row["_id"]: _contact(row) async for row in rows}

    async def language_of(self, account_id: str) -> str:
        row = await self._contacts.find_one({"_id": account_id}, {"language": 1})
        return str(row.get("language", SOURCE)) if row else SOURCE

    async def keep_newest(self, contacts: Iterable[Contact], session: Session) -> None:
        by_id = {contact.account_id: contact for contact in contacts}
        known = self._contacts.find({"_id": {"$in": list(by_id)}}, {"revision": 1}, session=session)
        revisions = {row["_id"]: row["revision"] async for row in known}
        writes = [
            UpdateOne(
                {"_id": account_id},
                {
                    "$set": {
                        "email": contact.email,
                        "display_name": contact.display_name,
                        "revision": contact.revision,
                        "verified": contact.verified,
                        "language": contact.language,
                    }
                },
                upsert=True,
            )
            for account_id, contact in by_id.items()
            if contact.revision > revisions.get(account_id, 0)
        ]
        if writes:
            await self._contacts.bulk_write(writes, session=session)


def _contact(row: Document) -> Contact:
    return Contact(
        row["_id"],
        row["email"],
        row["display_name"],
        row["revision"],
        row.get("verified", False),
        row.get("language", SOURCE),
    )
