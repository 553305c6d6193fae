"""HTTP: search for everybody, rebuilding the index for operators."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from docstore_indexer import answers
from docstore_indexer.engine import SearchQuery
from docstore_indexer.search import Search
from docstore_indexer.service import REBUILD_WAKEUP, IndexService
from docstore_platform.problems import Problem
from docstore_platform.service_identity import callers
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.values import Cursor, DayOrMoment
from docstore_platform.web import json_response
from docstore_work.wakeup import wake

Caller = Annotated[Principal, Depends(current_principal)]
Status = Callable[[], Awaitable[dict[str, Any]]]
Tag = Annotated[str, Query(max_length=200)]


def search_router(search: Search) -> APIRouter:
    router = APIRouter(tags=["search"])

    @router.get("/search", response_model=answers.SearchPage)
    async def search_files(
        caller: Caller,
        q: Annotated[str, Query(max_length=1000, description='words, all of which must occur; "a phrase"')] = "",
        scope: Annotated[Literal["name", "content"], Query(alias="in")] = "name",
        tag: Annotated[list[str], Query(max_length=20, description="each of them")] = [],  # noqa: B006
        type: Annotated[str | None, Query(max_length=200, description="`application/pdf`, `image`, `pdf`")] = None,  # noqa: A002
        modified_after: DayOrMoment | None = None,
        modified_before: DayOrMoment | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Cursor = None,
    ) -> Response:
        """Files and folders by name, tags, type and dates; with `in=content` (premium) by their text, with snippets.

        `{items:[{file, score, snippet}], total, mode, next_cursor}`, best first; without `q` last modified first. A
        snippet is HTML whose only element is `<mark>`.
        """
        query = SearchQuery(
            reader=caller.account_id,
            text=q,
            scope=scope,
            tags=tuple(tag),
            type=type or None,
            modified_after=modified_after,
            modified_before=modified_before,
            limit=limit,
            cursor=cursor or None,
        )
        found = await search.search(query)
        mode = "fulltext" if scope == "content" else "name"
        return json_response(
            {"items": found.items, "total": found.total, "mode": mode, "next_cursor": found.next_cursor}
        )

    return router


def rebuild_router(service: IndexService, status: Status) -> APIRouter:
    """`/internal/rebuild`."""
    router = APIRouter(tags=["rebuild"])

    @router.post("/rebuild", status_code=202, dependencies=[callers("operator")])
    async def rebuild() -> Response:
        return await _begin(service, status)

    @router.get("/rebuild", dependencies=[callers("operator")])
    async def progress() -> Response:
        return json_response(await status())

    return router


def admin_router(service: IndexService, status: Status) -> APIRouter:
    router = APIRouter(tags=["operators"])

    @router.post("/admin/search/rebuild", status_code=202, response_model=answers.Rebuild)
    async def rebuild_index(caller: Caller) -> Response:
        """Build the search index anew from all files; the old one serves until it is done."""
        _require_admin(caller)
        return await _begin(service, status)

    @router.get("/admin/search/rebuild", response_model=answers.Rebuild)
    async def rebuild_progress(caller: Caller) -> Response:
        """How far the rebuild under way is, or how the last one ended."""
        _require_admin(caller)
        return json_response(await status())

    return router


async def _begin(service: IndexService, status: Status) -> Response:
    await service.request_rebuild("requested")
    wake(REBUILD_WAKEUP)
    return json_response(await status(), 202)


def _require_admin(caller: Principal) -> None:
    if not caller.is_admin:
        raise Problem(403, "forbidden", "This is for administrators.")
