"""Where notify keeps whom it can reach, who follows what, and who wants what."""

from collections.abc import Collection as Several
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from docstore_notify.domain import ChannelName, Contact, FileChange, Preferences, Subscription
from docstore_platform.mongo import (
    ASCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    ReturnDocument,
    Session,
    UpdateOne,
)


class Contacts(Protocol):
    """Name and address of every account."""

    async def find(self, account_ids: Several[str]) -> dict[str, Contact]: ...

    async def keep_newest(self, contacts: Iterable[Contact], session: Session) -> None:
        """Keep each contact unless a later revision of it is known."""
        ...


class Subscriptions(Protocol):
    """Who follows which file or folder."""

    async def follow(
        self,
        subscription_id: str,
        account_id: str,
        file_id: str,
        channel: ChannelName,
        events: tuple[FileChange, ...],
        now: datetime,
    ) -> Subscription:
        """A new subscription; if the account has one for this file and channel, that one, with these events."""
        ...

    async def of_account(self, account_id: str, after: str, limit: int, file_id: str | None) -> list[Subscription]:
        """By id, those after `after`."""
        ...

    async def get(self, account_id: str, subscription_id: str) -> Subscription | None: ...

    async def remove(self, account_id: str, subscription_id: str) -> bool:
        """Whether it was there."""
        ...

    async def to_any_of(self, file_ids: Several[str], session: Session) -> list[Subscription]: ...

    async def forget_files(self, file_ids: Several[str], session: Session) -> None:
        """Remove the subscriptions to files that are gone for good."""
        ...


class PreferenceStore(Protocol):
    """What people have switched on and off."""

    async def find(self, account_ids: Several[str]) -> dict[str, Preferences]: ...

    async def put(self, preferences: Preferences) -> None: ...


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
                    }
                },
                upsert=True,
            )
            for account_id, contact in by_id.items()
            if contact.revision > revisions.get(account_id, 0)
        ]
        if writes:
            await self._contacts.bulk_write(writes, session=session)


class MongoSubscriptions:
    def __init__(self, database: Database) -> None:
        self._subscriptions: Collection = database["subscriptions"]

    async def create_indexes(self) -> None:
        await self._subscriptions.create_indexes(
            [
                IndexModel([("account_id", ASCENDING), ("file_id", ASCENDING), ("channel", ASCENDING)], unique=True),
                IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)]),
                IndexModel([("file_id", ASCENDING)]),
            ]
        )

    async def follow(
        self,
        subscription_id: str,
        account_id: str,
        file_id: str,
        channel: ChannelName,
        events: tuple[FileChange, ...],
        now: datetime,
    ) -> Subscription:
        row = await self._subscriptions.find_one_and_update(
            {"account_id": account_id, "file_id": file_id, "channel": channel},
            {"$set": {"events": list(events)}, "$setOnInsert": {"_id": subscription_id, "created_at": now}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return _subscription(row)

    async def of_account(self, account_id: str, after: str, limit: int, file_id: str | None) -> list[Subscription]:
        condition: Document = {"account_id": account_id, "_id": {"$gt": after}}
        if file_id is not None:
            condition["file_id"] = file_id
        rows = self._subscriptions.find(condition).sort("_id", 1).limit(limit)
        return [_subscription(row) async for row in rows]

    async def get(self, account_id: str, subscription_id: str) -> Subscription | None:
        row = await self._subscriptions.find_one({"_id": subscription_id, "account_id": account_id})
        return _subscription(row) if row else None

    async def remove(self, account_id: str, subscription_id: str) -> bool:
        outcome = await self._subscriptions.delete_one({"_id": subscription_id, "account_id": account_id})
        return bool(outcome.deleted_count)

    async def to_any_of(self, file_ids: Several[str], session: Session) -> list[Subscription]:
        rows = self._subscriptions.find({"file_id": {"$in": list(file_ids)}}, session=session)
        return [_subscription(row) async for row in rows]

    async def forget_files(self, file_ids: Several[str], session: Session) -> None:
        await self._subscriptions.delete_many({"file_id": {"$in": list(file_ids)}}, session=session)


class MongoPreferences:
    def __init__(self, database: Database) -> None:
        self._preferences: Collection = database["preferences"]

    async def find(self, account_ids: Several[str]) -> dict[str, Preferences]:
        rows = self._preferences.find({"_id": {"$in": list(account_ids)}})
        return {row["_id"]: Preferences(row["_id"], row["choices"]) async for row in rows}

    async def put(self, preferences: Preferences) -> None:
        choices = {kind: dict(by_channel) for kind, by_channel in preferences.choices.items()}
        await self._preferences.replace_one({"_id": preferences.account_id}, {"choices": choices}, upsert=True)


def _contact(row: Document) -> Contact:
    return Contact(row["_id"], row["email"], row["display_name"], row["revision"])


def _subscription(row: Document) -> Subscription:
    return Subscription(
        row["_id"], row["account_id"], row["file_id"], row["channel"], tuple(row["events"]), row["created_at"]
    )
