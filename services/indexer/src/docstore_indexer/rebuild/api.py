"""HTTP routes to rebuild the index, for operators and administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from docstore_contracts.indexer import RebuildStatus
from docstore_indexer.rebuild import schemas
from docstore_indexer.rebuild.worker import Rebuild
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.http.values import MAX_ID_CHARS
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import administrator
from docstore_platform.service.app import json_response

AccountId = Annotated[
    str | None, Query(max_length=MAX_ID_CHARS, description="account whose files alone are indexed again")
]


def rebuild_router(rebuild: Rebuild) -> APIRouter:
    """`/internal/rebuild`."""
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["rebuild"])

    @router.post(
        "/rebuild", status_code=202, dependencies=[callers("operator")], response_model=described(RebuildStatus)
    )
    async def start() -> Response:
        """Rebuild the search index from all files; the old one serves until the new one is complete."""
        await rebuild.request()
        return json_response(await rebuild.status(), 202)

    @router.get("/rebuild", dependencies=[callers("operator")], response_model=described(RebuildStatus))
    async def progress() -> Response:
        """Get the progress of the running rebuild, or the result of the last one."""
        return json_response(await rebuild.status())

    return router


def admin_router(rebuild: Rebuild) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["operators"], dependencies=[Depends(administrator)])

    @router.post("/admin/search/rebuild", status_code=202, response_model=schemas.Rebuild)
    async def start_index_rebuild(body: schemas.RebuildRequest | None = None) -> Response:
        """Rebuild the search index from all files; the old one serves until the new one is complete.

        With `account_id` only the files of this account are indexed again, in place: it goes on finding them.
        404 `not_found` for an unknown account.
        """
        account_id = body.account_id if body else None
        await rebuild.request(account_id)
        return json_response(await rebuild.status(account_id), 202)

    @router.get("/admin/search/rebuild", response_model=schemas.Rebuild)
    async def get_index_rebuild(account_id: AccountId = None) -> Response:
        """Get the progress of the running rebuild, or the result of the last one."""
        return json_response(await rebuild.status(account_id))

    return router
