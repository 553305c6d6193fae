"""Activity of files in MongoDB: a document for each thing that was done, found by the file and by its folder."""

from collections.abc import Sequence
from typing import Any

from docstore_analytics.activity import Happened
from docstore_platform.mongo import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    Session,
    keep_for,
)

DAY_SECONDS = 24 * 3600
OWNER = " owner"
"""Behind an id: what only the owner may know lies in another range of the index, so that readers need not skip it."""


class MongoActivity:
    def __init__(self, database: Database, *, days: int) -> None:
        self._rows: Collection = database["activity"]
        self._accounts: Collection = database["accounts"]
        self._days = days

    async def create_indexes(self) -> None:
        """What is older than so many days goes."""
        await self._rows.create_indexes([IndexModel([("about", ASCENDING), ("_id", DESCENDING)])])
        await keep_for(self._rows, "at", self._days * DAY_SECONDS)

    async def add(self, happened: Sequence[Happened], session: Session) -> None:
        if happened:
            await self._rows.insert_many([_row(each) for each in happened], session=session)

    async def find(self, file_id: str, *, before: str, limit: int, all_of_it: bool) -> list[Happened]:
        wanted: dict[str, Any] = {"about": {"$in": [file_id, file_id + OWNER]} if all_of_it else file_id}
        if before:
            wanted["_id"] = {"$lt": before}
        rows = self._rows.find(wanted).sort("_id", DESCENDING).limit(limit)
        return [_happened(row) async for row in rows]

    async def names(self, account_ids: Sequence[str]) -> dict[str, str]:
        rows = self._accounts.find({"_id": {"$in": list(account_ids)}}, {"name": 1})
        return {row["_id"]: row.get("name", "") async for row in rows}


def _row(happened: Happened) -> Document:
    suffix = OWNER if happened.owner_only else ""
    return {
        "_id": happened.id,
        "at": happened.at,
        "about": [each + suffix for each in (happened.file_id, happened.folder_id) if each],
        "what": happened.what,
        "actor": happened.actor_id,
        "file": happened.file_id,
        "folder": happened.folder_id,
        "name": happened.name,
        "facts": dict(happened.facts),
        "owner_facts": dict(happened.owner_facts),
    }


def _happened(row: Document) -> Happened:
    return Happened(
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
