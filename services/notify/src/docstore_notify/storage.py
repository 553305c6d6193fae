"""Where notify keeps whom it can reach, and who wants to be told what."""

from collections.abc import Collection as Several
from collections.abc import Iterable
from typing import Protocol

from docstore_notify.domain import ChosenKind, Contact, PersonalChannel, Preferences
from docstore_platform.mongo import Collection, Database, Document, Session, UpdateOne


class Contacts(Protocol):
    """Name and address of every account."""

    async def find(self, account_ids: Several[str]) -> dict[str, Contact]: ...

    async def keep_newest(self, contacts: Iterable[Contact], session: Session) -> None:
        """Keep each contact unless a later revision of it is known."""
        ...


class PreferenceStore(Protocol):
    """What people have switched on and off."""

    async def find(self, account_ids: Several[str]) -> dict[str, Preferences]: ...

    async def put(self, preferences: Preferences) -> None: ...

    async def choose(self, account_id: str, kind: ChosenKind, channel: PersonalChannel, on: bool) -> None:
        """Change one choice and leave the others."""
        ...


class MongoContacts:
    def __init__(self, database: Database) -> None:
        self._contacts: Collection = database["contacts"]

    async def find(self, account_ids: Several[str]) -> dict[str, Contact]:
        rows = self._contacts.find({"_id": {"$in": list(account_ids)}})
        return {row["_id"]: _contact(row) async for row in rows}

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
                    }
                },
                upsert=True,
            )
            for account_id, contact in by_id.items()
            if contact.revision > revisions.get(account_id, 0)
        ]
        if writes:
            await self._contacts.bulk_write(writes, session=session)


class MongoPreferences:
    def __init__(self, database: Database) -> None:
        self._preferences: Collection = database["preferences"]

    async def find(self, account_ids: Several[str]) -> dict[str, Preferences]:
        rows = self._preferences.find({"_id": {"$in": list(account_ids)}})
        return {row["_id"]: Preferences(row["_id"], row["choices"]) async for row in rows}

    async def put(self, preferences: Preferences) -> None:
        choices = {kind: dict(by_channel) for kind, by_channel in preferences.choices.items()}
        await self._preferences.replace_one({"_id": preferences.account_id}, {"choices": choices}, upsert=True)

    async def choose(self, account_id: str, kind: ChosenKind, channel: PersonalChannel, on: bool) -> None:
        change = {"$set": {f"choices.{kind}.{channel}": on}}
        await self._preferences.update_one({"_id": account_id}, change, upsert=True)


def _contact(row: Document) -> Contact:
    return Contact(row["_id"], row["email"], row["display_name"], row["revision"], row.get("verified", False))
