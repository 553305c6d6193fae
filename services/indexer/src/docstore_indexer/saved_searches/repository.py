"""Repository of saved searches, in collection `saved_searches`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from docstore_indexer.saved_searches.rules import SavedSearch
from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
    ReturnDocument,
)


class NameTaken(Exception):
    """The account has another saved search of this name."""


class SavedSearches(Protocol):
    """Saved searches of accounts; an account sees its own only."""

    async def add(self, search: SavedSearch) -> None:
        """Store it. Raises NameTaken."""

    async def number(self, account_id: str) -> int: ...

    async def page(self, account_id: str, after: str, limit: int) -> list[SavedSearch]:
        """Return those with names after `after`, by name."""

    async def get(self, account_id: str, search_id: str) -> SavedSearch | None: ...

    async def change(self, account_id: str, search_id: str, changes: Mapping[str, Any]) -> SavedSearch | None:
        """Change fields; None if there is none. Raises NameTaken."""

    async def remove(self, account_id: str, search_id: str) -> bool:
        """Delete it; return whether the account had it."""


class MongoSavedSearches:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["saved_searches"]

    async def create_indexes(self) -> None:
        await self._rows.create_indexes([IndexModel([("account_id", ASCENDING), ("name", ASCENDING)], unique=True)])

    async def add(self, search: SavedSearch) -> None:
        row = asdict(search)
        try:
            await self._rows.insert_one({"_id": row.pop("id"), **row})
        except DuplicateKeyError as error:
            raise NameTaken from error

    async def number(self, account_id: str) -> int:
        return int(await self._rows.count_documents({"account_id": account_id}))

    async def page(self, account_id: str, after: str, limit: int) -> list[SavedSearch]:
        which = {"account_id": account_id, "name": {"$gt": after}}
        return [_search(row) async for row in self._rows.find(which).sort("name", 1).limit(limit)]

    async def get(self, account_id: str, search_id: str) -> SavedSearch | None:
        row = await self._rows.find_one({"_id": search_id, "account_id": account_id})
        return _search(row) if row else None

    async def change(self, account_id: str, search_id: str, changes: Mapping[str, Any]) -> SavedSearch | None:
        which = {"_id": search_id, "account_id": account_id}
        try:
            row = await self._rows.find_one_and_update(
                which, {"$set": dict(changes)}, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError as error:
            raise NameTaken from error
        return _search(row) if row else None

    async def remove(self, account_id: str, search_id: str) -> bool:
        return bool((await self._rows.delete_one({"_id": search_id, "account_id": account_id})).deleted_count)


def _search(row: Document) -> SavedSearch:
    return SavedSearch(id=row["_id"], **{name: value for name, value in row.items() if name != "_id"})
