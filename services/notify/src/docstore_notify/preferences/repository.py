"""Which kinds of notifications an account wants by which channel, in collection `preferences`."""

from collections.abc import Collection as Several
from typing import Protocol

from docstore_notify.domain import ChosenKind, PersonalChannel
from docstore_notify.preferences.rules import Preferences
from docstore_platform.mongodb.client import Collection, Database


class PreferenceStore(Protocol):
    """People's notification preferences."""

    async def find(self, account_ids: Several[str]) -> dict[str, Preferences]: ...

    async def put(self, preferences: Preferences) -> None: ...

    async def choose(self, account_id: str, kind: ChosenKind, channel: PersonalChannel, on: bool) -> None:
        """Change one preference and keep the others."""


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
