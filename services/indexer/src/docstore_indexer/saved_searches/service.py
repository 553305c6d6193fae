"""Use cases of saved searches: save, list, change, delete."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from docstore_indexer.saved_searches.repository import NameTaken, SavedSearches
from docstore_indexer.saved_searches.rules import MAX_SEARCHES, SavedSearch
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import Conflict, not_found
from docstore_platform.ids import new_id


@dataclass(frozen=True, slots=True)
class SavedSearchService:
    """Problems 404, 409 `name_taken` and `too_many_saved_searches`."""

    store: SavedSearches
    clock: Clock = utc_now
    ids: Callable[[], str] = new_id

    async def save(self, account_id: str, name: str, q: str, filters: Mapping[str, Any]) -> SavedSearch:
        if await self.store.number(account_id) >= MAX_SEARCHES:
            raise Conflict(
                f"An account has at most {MAX_SEARCHES} saved searches: delete one.", code="too_many_saved_searches"
            )
        now = self.clock()
        search = SavedSearch(self.ids(), account_id, name, q, filters, now, now)
        try:
            await self.store.add(search)
        except NameTaken as error:
            raise _taken(name) from error
        return search

    async def page(self, account_id: str, after: str, limit: int) -> list[SavedSearch]:
        return await self.store.page(account_id, after, limit)

    async def get(self, account_id: str, search_id: str) -> SavedSearch:
        return _found(await self.store.get(account_id, search_id))

    async def change(self, account_id: str, search_id: str, changes: Mapping[str, Any]) -> SavedSearch:
        try:
            return _found(await self.store.change(account_id, search_id, {**changes, "modified_at": self.clock()}))
        except NameTaken as error:
            raise _taken(changes["name"]) from error

    async def remove(self, account_id: str, search_id: str) -> None:
        if not await self.store.remove(account_id, search_id):
            raise not_found("saved search")


def _found(search: SavedSearch | None) -> SavedSearch:
    if search is None:
        raise not_found("saved search")
    return search


def _taken(name: str) -> Conflict:
    return Conflict(f"You have another saved search named {name}.", code="name_taken")
