"""Activity in MongoDB: a document for each action, indexed by file and folder."""

from collections.abc import Sequence
from typing import Any, Protocol

from docstore_analytics.activity.entries import Activity
from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    keep_for,
)

DAY_SECONDS = 24 * 3600
OWNER = " owner"
"""Suffix of ids: the owner's entries are in another range of the index, so that other readers need not skip them."""


class ActivityRepository(Protocol):
    async def add(self, activity: Sequence[Activity], transaction: Transaction) -> None: ...

    async def find(self, file_id: str, *, before: str, limit: int, all_of_it: bool) -> list[Activity]:
        """Entries of a file, or of a folder and its contents at that time, latest first. `all_of_it`: with those for
        the owner only."""

    async def names(self, account_ids: Sequence[str]) -> dict[str, str]:
        """Display names of accounts."""


class MongoActivity:
    def __init__(self, database: Database, *, days: int) -> None:
        self._rows: Collection = database["activity"]
        self._accounts: Collection = database["accounts"]
        self._days = days

    async def create_indexes(self) -> None:
        """Create indexes, one of which deletes old activity."""
        await self._rows.create_indexes([IndexModel([("about", ASCENDING), ("_id", DESCENDING)])])
        await keep_for(self._rows, "at", self._days * DAY_SECONDS)

    async def add(self, activity: Sequence[Activity], transaction: Transaction) -> None:
        if activity:
            await self._rows.insert_many([_row(each) for each in activity], session=transaction.session)

    async def find(self, file_id: str, *, before: str, limit: int, all_of_it: bool) -> list[Activity]:
        wanted: dict[str, Any] = {"about": {"$in": [file_id, file_id + OWNER]} if all_of_it else file_id}
        if before:
            wanted["_id"] = {"$lt": before}
        rows = self._rows.find(wanted).sort("_id", DESCENDING).limit(limit)
        return [_happened(row) async for row in rows]

    async def names(self, account_ids: Sequence[str]) -> dict[str, str]:
        rows = self._accounts.find({"_id": {"$in": list(account_ids)}}, {"name": 1})
        return {row["_id"]: row.get("name", "") async for row in rows}


def _row(activity: Activity) -> Document:
    suffix = OWNER if activity.owner_only else ""
    return {
        "_id": activity.id,
        "at": activity.at,
        "about": [each + suffix for each in (activity.file_id, activity.folder_id) if each],
        "what": activity.what,
        "actor": activity.actor_id,
        "file": activity.file_id,
        "folder": activity.folder_id,
        "name": activity.name,
        "facts": dict(activity.facts),
        "owner_facts": dict(activity.owner_facts),
    }


def _happened(row: Document) -> Activity:
    return Activity(
        id=row["_id"],
        at=row["at"],
        what=row["what"],
        actor_id=row["actor"],
        file_id=row["file"],
        folder_id=row["folder"],
        name=row["name"],
        facts=row["facts"],
        owner_facts=row["owner_facts"],
    )
