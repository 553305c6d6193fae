"""HTTP routes of saved searches."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from docstore_indexer.saved_searches import schemas
from docstore_indexer.saved_searches.rules import MAX_SEARCHES, SavedSearch
from docstore_indexer.saved_searches.schemas import ChangedSavedSearch, NewSavedSearch
from docstore_indexer.saved_searches.service import SavedSearchService
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

Limit = Annotated[int, Query(ge=1, le=MAX_SEARCHES)]


def saved_router(searches: SavedSearchService) -> APIRouter:
    router = APIRouter(prefix=f"{PUBLIC_PREFIX}/me/saved-searches", tags=["search"])

    @router.post("", status_code=201, response_model=schemas.SavedSearch)
    async def create_saved_search(body: NewSavedSearch, caller: Caller) -> Response:
        """Keep a search under a name; 409 `name_taken`, `too_many_saved_searches`."""
        saved = await searches.save(caller.account_id, body.name, body.q, body.filters.stored())
        return json_response(_view(saved), 201)

    @router.get("", response_model=schemas.SavedSearchPage)
    async def list_saved_searches(caller: Caller, cursor: Cursor = None, limit: Limit = MAX_SEARCHES) -> Response:
        """List the caller's saved searches, by name."""
        after = decode_cursor(cursor, str)[0] if cursor else ""
        found = await searches.page(caller.account_id, after, limit + 1)
        next_cursor = encode_cursor(found[limit - 1].name) if len(found) > limit else None
        return json_response({"items": [_view(one) for one in found[:limit]], "next_cursor": next_cursor})

    @router.get("/{saved_search_id}", response_model=schemas.SavedSearch)
    async def get_saved_search(saved_search_id: str, caller: Caller) -> Response:
        return json_response(_view(await searches.get(caller.account_id, saved_search_id)))

    @router.patch("/{saved_search_id}", response_model=schemas.SavedSearch)
    async def update_saved_search(saved_search_id: str, body: ChangedSavedSearch, caller: Caller) -> Response:
        """Change the name, the words, or the filters as a whole; 409 `name_taken`."""
        changes: dict[str, Any] = {"name": body.name, "q": body.q, "filters": body.filters and body.filters.stored()}
        changes = {name: value for name, value in changes.items() if value is not None}
        return json_response(_view(await searches.change(caller.account_id, saved_search_id, changes)))

    @router.delete("/{saved_search_id}", status_code=204)
    async def delete_saved_search(saved_search_id: str, caller: Caller) -> None:
        await searches.remove(caller.account_id, saved_search_id)

    return router


def _view(search: SavedSearch) -> dict[str, Any]:
    return {
        "id": search.id,
        "name": search.name,
        "q": search.q,
        "filters": search.filters,
        "created_at": rfc3339(search.created_at),
        "modified_at": rfc3339(search.modified_at),
    }
