"""Operations of search."""

from datetime import UTC, datetime, timedelta
from typing import Any, Unpack

from docstore_client.list_options import SearchOptions, parameters
from docstore_client.models import (
    FamilySums,
    Hits,
    Page,
    SavedFilters,
    SavedSearch,
)
from docstore_client.operations.routes import Routes


class SearchOperations(Routes):
    async def search(
        self,
        query: str = "",
        *,
        within: str = "name",
        tag: str | None = None,
        content_type: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> Hits:
        """Without a query, all that passes the filters. `within`: "name", or "content" on the premium plan.

        `content_type`: a MIME type or a part of one.
        """
        params = {"q": query, "in": within, "tag": tag, "type": content_type, "limit": limit, "cursor": cursor}
        return Hits.model_validate(await self.call("GET", "/v1/search", params=params | parameters(options)))

    async def stored_by_family(self) -> list[FamilySums]:
        """Return what the account stores by family, largest first; without older versions and the trash."""
        return [
            FamilySums.model_validate(each) for each in (await self.call("GET", "/v1/me/storage/families"))["items"]
        ]

    async def saved_searches(self, cursor: str | None = None) -> Page[SavedSearch]:
        """Return the account's saved searches, by name."""
        return await self._get(Page[SavedSearch], "/v1/me/saved-searches", cursor=cursor)

    async def save_search(self, name: str, query: str = "", filters: SavedFilters | None = None) -> SavedSearch:
        """Keep a search under a name."""
        body = {"name": name, "q": query, "filters": _json(filters or SavedFilters())}
        return await self._send(SavedSearch, "POST", "/v1/me/saved-searches", body)

    async def change_saved_search(
        self,
        saved_search_id: str,
        *,
        name: str | None = None,
        query: str | None = None,
        filters: SavedFilters | None = None,
    ) -> SavedSearch:
        """Change what is given; the filters as a whole."""
        given = {"name": name, "q": query, "filters": None if filters is None else _json(filters)}
        body = {key: value for key, value in given.items() if value is not None}
        return await self._send(SavedSearch, "PATCH", f"/v1/me/saved-searches/{saved_search_id}", body)

    async def delete_saved_search(self, saved_search_id: str) -> None:
        await self.call("DELETE", f"/v1/me/saved-searches/{saved_search_id}")

    async def search_as_saved(
        self, query: str, filters: SavedFilters, *, limit: int = 20, cursor: str | None = None
    ) -> Hits:
        """Search with the words and filters of a saved search."""
        params = _json(filters) | {"q": query, "limit": limit, "cursor": cursor}
        for moment in ("modified", "created"):
            days = params.pop(f"{moment}_within_days", None)
            if days is not None:
                params[f"{moment}_after"] = datetime.now(UTC) - timedelta(days=days)
        metadata = params.pop("metadata", {})
        params |= {f"meta.{name}": value for name, value in metadata.items()}
        return Hits.model_validate(await self.call("GET", "/v1/search", params=params))


def _json(filters: SavedFilters) -> dict[str, Any]:
    """Return the filters that are set."""
    return filters.model_dump(mode="json", by_alias=True, exclude_none=True)
