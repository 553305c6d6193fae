"""HTTP route of the activity of a file or folder."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from docstore_analytics.activity.schemas import ActivityPage
from docstore_analytics.activity.service import ActivityService
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor, Id
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def activity_router(activity: ActivityService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["files"])

    @router.get("/activity", response_model=ActivityPage)
    async def list_activity(
        caller: Caller,
        file_id: Annotated[Id, Query(min_length=1)],
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Cursor = None,
    ) -> Response:
        """List who did what with a file, or with a folder and its direct contents, latest first.

        `type` is created, modified, renamed, moved, tagged, described (its custom metadata), deleted, restored or
        purged, and for the owner also shared, unshared, link_created or link_revoked. Entries appear moments later. A
        page may have fewer items than `limit` even if it is not the last.
        """
        before: str = decode_cursor(cursor, str)[0] if cursor else ""
        page = await activity.page(caller.account_id, file_id, before, limit)
        items = [{**item, "at": rfc3339(item["at"])} for item in page.items]
        next_cursor = encode_cursor(page.next_before) if page.next_before else None
        return json_response({"items": items, "next_cursor": next_cursor})

    return router
