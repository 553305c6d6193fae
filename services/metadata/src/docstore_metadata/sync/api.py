"""Routes of snapshot and compare, for a client whose cursor is missing or has expired."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from docstore_metadata.dependencies import public_router
from docstore_metadata.paging import MAX_LIMIT
from docstore_metadata.sync import schemas
from docstore_metadata.sync.compare import Comparer, Entry
from docstore_metadata.sync.schemas import Comparison
from docstore_metadata.sync.snapshot import Snapshots
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def sync_router(snapshots: Snapshots, comparer: Comparer) -> APIRouter:
    router = public_router("sync")

    @router.get("/snapshot", response_model=schemas.Snapshot)
    async def get_snapshot(
        principal: Caller,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """List every file and folder that the caller may read; continue with the changes from `changes_cursor`.

        An API token that is limited to a folder gets what is in it.

        If `epoch` differs from before, the server was restored from a backup, and may have lost files. Missing files
        were then not deleted by anyone.
        """
        return json_response(await snapshots.page(principal, cursor or None, limit))

    @router.post("/compare", response_model=schemas.CompareResult)
    async def compare_files(body: Comparison, principal: Caller) -> Response:
        """Compare a client's files, with paths as in the API, with those below a folder; 403 `watermarked_only` where
        the caller may only see pictures of them.
        """
        entries = [Entry(entry.path, entry.sha256) for entry in body.entries]
        return json_response(await comparer.compare(principal, body.path, body.parent_id, entries))

    return router
