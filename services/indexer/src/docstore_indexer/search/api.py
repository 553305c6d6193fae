"""HTTP routes of search: `/v1/search`, and figures of an account's files."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from docstore_indexer.engines.engine import Order, SearchQuery, Sort
from docstore_indexer.search.schemas import SearchPage, StoredByFamily
from docstore_indexer.search.service import Search
from docstore_platform.http.parameters import METADATA_FILTER, metadata_filter
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor, DayOrMoment, Id
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def search_router(search: Search) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["search"])

    @router.get("/search", response_model=SearchPage, openapi_extra={"parameters": [METADATA_FILTER]})
    async def search_files(
        request: Request,
        caller: Caller,
        q: Annotated[str, Query(max_length=1000, description='words, all of which must occur; "a phrase"')] = "",
        scope: Annotated[Literal["name", "content"], Query(alias="in")] = "name",
        tag: Annotated[list[str], Query(max_length=20, description="all of them must match")] = [],  # noqa: B006
        type: Annotated[str | None, Query(max_length=200, description="`application/pdf`, `image`, `pdf`")] = None,  # noqa: A002
        modified_after: DayOrMoment | None = None,
        modified_before: DayOrMoment | None = None,
        created_after: DayOrMoment | None = None,
        created_before: DayOrMoment | None = None,
        owner: Annotated[Id | None, Query(description="account that owns it")] = None,
        kind: Literal["file", "folder"] | None = None,
        sort: Annotated[Sort | None, Query(description="best first without it, or without `q` last modified")] = None,
        order: Order = "desc",
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Cursor = None,
    ) -> Response:
        """Search files and folders by name, tags, type, dates and custom metadata; with `in=content` (premium) by text.

        `{items:[{file, score, snippet}], total, mode, next_cursor}`, best first; without `q` last modified first. All
        filters must match. With `in=content` a snippet shows the words: it is HTML whose only element is `<mark>`.
        """
        query = SearchQuery(
            reader=caller.account_id,
            text=q,
            scope=scope,
            tags=tuple(tag),
            type=type or None,
            modified_after=modified_after,
            modified_before=modified_before,
            created_after=created_after,
            created_before=created_before,
            metadata=metadata_filter(request.query_params.multi_items()),
            owner=owner or None,
            kind=kind,
            sort=sort,
            order=order,
            limit=limit,
            cursor=cursor or None,
        )
        folder_id = caller.folder_id
        found = await (search.search_folder(query, folder_id) if folder_id else search.search(query))
        mode = "fulltext" if scope == "content" else "name"
        return json_response(
            {"items": found.items, "total": found.total, "mode": mode, "next_cursor": found.next_cursor}
        )

    @router.get("/me/storage/families", response_model=StoredByFamily)
    async def list_stored_families(caller: Caller) -> Response:
        """Sum up your files by what they are: documents, images, videos. Largest first; without older versions and
        the trash.
        """
        stored = await search.stored_by(caller.account_id)
        largest = sorted(stored.items(), key=lambda item: -item[1].bytes)
        return json_response({"items": [{"family": family, **asdict(sums)} for family, sums in largest]})

    return router
