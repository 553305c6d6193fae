"""HTTP routes to rebuild the index, for operators and administrators."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Response

from docstore_contracts.indexer import RebuildStatus
from docstore_indexer.indexing.service import REBUILD_WAKEUP, IndexService
from docstore_indexer.rebuild.schemas import Rebuild
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import administrator
from docstore_platform.web import json_response
from docstore_work.wakeup import wake

Status = Callable[[], Awaitable[dict[str, Any]]]


def rebuild_router(service: IndexService, status: Status) -> APIRouter:
    """`/internal/rebuild`."""
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["rebuild"])

    @router.post(
        "/rebuild", status_code=202, dependencies=[callers("operator")], response_model=described(RebuildStatus)
    )
    async def rebuild() -> Response:
        """Rebuild the search index from all files; the old one serves until the new one is complete."""
        return await _begin(service, status)

    @router.get("/rebuild", dependencies=[callers("operator")], response_model=described(RebuildStatus))
    async def progress() -> Response:
        """Get the progress of the running rebuild, or the result of the last one."""
        return json_response(await status())

    return router


def admin_router(service: IndexService, status: Status) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["operators"], dependencies=[Depends(administrator)])

    @router.post("/admin/search/rebuild", status_code=202, response_model=Rebuild)
    async def start_index_rebuild() -> Response:
        """Rebuild the search index from all files; the old one serves until the new one is complete."""
        return await _begin(service, status)

    @router.get("/admin/search/rebuild", response_model=Rebuild)
    async def get_index_rebuild() -> Response:
        """Get the progress of the running rebuild, or the result of the last one."""
        return json_response(await status())

    return router


async def _begin(service: IndexService, status: Status) -> Response:
    await service.request_rebuild("requested")
    wake(REBUILD_WAKEUP)
    return json_response(await status(), 202)
