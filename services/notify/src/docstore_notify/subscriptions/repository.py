"""Subscriptions of accounts to files, in collection `subscriptions`."""

from collections.abc import Collection as Several
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from docstore_notify.domain import PERSONAL, Target
from docstore_notify.subscriptions.rules import FileChange, IdempotentCall, Subscription
from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
    ReturnDocument,
    Session,
)

ONE_OF_A_KIND = ("account_id", "file_id", "channel", "address")
FIRST_KEPT = ("_id", "created_at", "secret", "call")
"""Kept when the same subscription is created again."""


class CallAlreadyUsed(Exception):
    """Another call with this Idempotency-Key has just created a subscription."""


class Subscriptions(Protocol):
    """Subscriptions: who follows which file or folder, by which channel and target."""

    async def follow(self, subscription: Subscription) -> Subscription:
        """Store it, or return the account's existing one for this file, channel and address: active, with these events,
        its secret unchanged. Raises CallAlreadyUsed."""

    async def made_with(self, account_id: str, key: str) -> Subscription | None:
        """Return the subscription that the account's call with this hash of an Idempotency-Key has created."""

    async def forget_call(self, subscription_id: str) -> None:
        """Release its Idempotency-Key for another call."""

    async def number(self, account_id: str) -> int: ...

    async def of_account(self, account_id: str, after: str, limit: int, file_id: str | None) -> list[Subscription]:
        """Return those with ids after `after`, by id."""

    async def get(self, account_id: str, subscription_id: str) -> Subscription | None: ...

    async def find(self, subscription_id: str) -> Subscription | None:
        """Return a subscription of any account."""

    async def change(
        self, account_id: str, subscription_id: str, events: tuple[FileChange, ...] | None, enable: bool
    ) -> Subscription | None: ...

    async def disable(self, subscription_id: str, reason: str, now: datetime, session: Session) -> bool:
        """Disable it; return whether it was active."""

    async def remove(self, account_id: str, subscription_ids: Several[str]) -> list[str]:
        """Delete them; return the ids that existed."""

    async def remove_machines(self, account_id: str, before: datetime) -> list[str]:
        """Delete the account's subscriptions of other systems created before a moment; return their ids."""

    async def to_any_of(self, file_ids: Several[str], session: Session) -> list[Subscription]:
        """Return the active subscriptions of these files."""

    async def of_files(self, file_ids: Several[str], session: Session) -> list[Subscription]: ...

    async def forget(self, subscriptions: Iterable[Subscription], session: Session) -> None: ...


class MongoSubscriptions:
    def __init__(self, database: Database) -> None:
        self._subscriptions: Collection = database["subscriptions"]

    async def create_indexes(self) -> None:
        indexes = await self._subscriptions.index_information()
        if (
            "account_id_1_file_id_1_channel_1" in indexes
        ):  # of a release with one subscription for each file and channel
            await self._subscriptions.drop_index("account_id_1_file_id_1_channel_1")
        await self._subscriptions.update_many({"address": {"$exists": False}}, {"$set": {"address": ""}})
        await self._subscriptions.create_indexes(
            [
                IndexModel([(name, ASCENDING) for name in ONE_OF_A_KIND], unique=True),
                IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)]),
                IndexModel([("file_id", ASCENDING)]),
                IndexModel(
                    [("account_id", ASCENDING), ("call.key", ASCENDING)],
                    unique=True,
                    partialFilterExpression={"call.key": {"$exists": True}},
                ),
            ]
        )

    async def follow(self, subscription: Subscription) -> Subscription:
        row = _row(subscription)
        which = {name: row.pop(name) for name in ONE_OF_A_KIND}
        first = {name: row.pop(name) for name in FIRST_KEPT if name in row}
        change = {"$set": row, "$setOnInsert": first, "$unset": {"disabled_reason": "", "disabled_at": ""}}
        try:
            kept = await self._subscriptions.find_one_and_update(
                which, change, upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError as error:
            raise CallAlreadyUsed from error
        return _subscription(kept)

    async def made_with(self, account_id: str, key: str) -> Subscription | None:
        row = await self._subscriptions.find_one({"account_id": account_id, "call.key": key})
        return _subscription(row) if row else None

    async def forget_call(self, subscription_id: str) -> None:
        await self._subscriptions.update_one({"_id": subscription_id}, {"$unset": {"call": ""}})

    async def number(self, account_id: str) -> int:
        return int(await self._subscriptions.count_documents({"account_id": account_id}))

    async def of_account(self, account_id: str, after: str, limit: int, file_id: str | None) -> list[Subscription]:
        condition: Document = {"account_id": account_id, "_id": {"$gt": after}}
        if file_id is not None:
            condition["file_id"] = file_id
        rows = self._subscriptions.find(condition).sort("_id", 1).limit(limit)
        return [_subscription(row) async for row in rows]

    async def get(self, account_id: str, subscription_id: str) -> Subscription | None:
        row = await self._subscriptions.find_one({"_id": subscription_id, "account_id": account_id})
        return _subscription(row) if row else None

    async def find(self, subscription_id: str) -> Subscription | None:
        row = await self._subscriptions.find_one({"_id": subscription_id})
        return _subscription(row) if row else None

    async def change(
        self, account_id: str, subscription_id: str, events: tuple[FileChange, ...] | None, enable: bool
    ) -> Subscription | None:
        change: Document = {}
        if events is not None:
            change["$set"] = {"events": list(events)}
        if enable:
            change["$unset"] = {"disabled_reason": "", "disabled_at": ""}
        if not change:
            return await self.get(account_id, subscription_id)
        row = await self._subscriptions.find_one_and_update(
            {"_id": subscription_id, "account_id": account_id}, change, return_document=ReturnDocument.AFTER
        )
        return _subscription(row) if row else None

    async def disable(self, subscription_id: str, reason: str, now: datetime, session: Session) -> bool:
        outcome = await self._subscriptions.update_one(
            {"_id": subscription_id, "disabled_reason": None},
            {"$set": {"disabled_reason": reason, "disabled_at": now}},
            session=session,
        )
        return bool(outcome.modified_count)

    async def remove(self, account_id: str, subscription_ids: Several[str]) -> list[str]:
        return await self._remove(account_id, {"_id": {"$in": list(subscription_ids)}})

    async def remove_machines(self, account_id: str, before: datetime) -> list[str]:
        to_machines = {"channel": {"$nin": list(PERSONAL)}, "created_at": {"$lt": before}}
        return await self._remove(account_id, to_machines)

    async def _remove(self, account_id: str, which: Document) -> list[str]:
        of_account = {"account_id": account_id, **which}
        there = [row["_id"] async for row in self._subscriptions.find(of_account, {"_id": 1})]
        await self._subscriptions.delete_many({"account_id": account_id, "_id": {"$in": there}})
        return there

    async def to_any_of(self, file_ids: Several[str], session: Session) -> list[Subscription]:
        found = await self.of_files(file_ids, session)
        return [subscription for subscription in found if subscription.active]

    async def of_files(self, file_ids: Several[str], session: Session) -> list[Subscription]:
        rows = self._subscriptions.find({"file_id": {"$in": list(file_ids)}}, session=session).sort("_id", 1)
        return [_subscription(row) async for row in rows]

    async def forget(self, subscriptions: Iterable[Subscription], session: Session) -> None:
        ids = [subscription.id for subscription in subscriptions]
        await self._subscriptions.delete_many({"_id": {"$in": ids}}, session=session)


def _row(subscription: Subscription) -> Document:
    target, call = subscription.target, subscription.made_by
    return {
        "_id": subscription.id,
        "account_id": subscription.account_id,
        "file_id": subscription.file_id,
        "channel": subscription.channel,
        "events": list(subscription.events),
        "created_at": subscription.created_at,
        "address": target.address,
        "secret": target.secret,
        "role_arn": target.role_arn,
        "external_id": target.external_id,
        "region": target.region,
        **({"call": {"key": call.key, "body": call.body}} if call else {}),
    }


def _subscription(row: Document) -> Subscription:
    parts = ("address", "secret", "role_arn", "external_id", "region")
    call = row.get("call")
    return Subscription(
        row["_id"],
        row["account_id"],
        row["file_id"],
        row["channel"],
        tuple(row["events"]),
        row["created_at"],
        Target(**{name: row.get(name, "") for name in parts}),
        row.get("disabled_reason"),
        IdempotentCall(call["key"], call["body"]) if call else None,
    )
