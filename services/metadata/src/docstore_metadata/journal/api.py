"""Route of the change feed."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from docstore_metadata.dependencies import DirectRoute, public_router, query_parameter
from docstore_metadata.journal import schemas
from docstore_metadata.journal.folder_feed import FolderFeed
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.paging import DEFAULT_LIMIT, MAX_LIMIT, parse_limit
from docstore_platform.http.values import CURSOR_SCHEMA
from docstore_platform.security.tokens import Caller

MAX_WAIT_SECONDS = 60
CHANGES_PARAMETERS = [
    query_parameter(
        "cursor",
        "`cursor` of the previous page; the beginning by default; `latest`: future changes only.",
        **CURSOR_SCHEMA,
    ),
    query_parameter("limit", "Changes on a page.", type="integer", minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT),
    query_parameter(
        "wait",
        "Seconds to wait for a change if there is none.",
        type="integer",
        minimum=0,
        maximum=MAX_WAIT_SECONDS,
        default=0,
    ),
]


def changes_router(changes: ChangeFeed, of_folders: FolderFeed) -> APIRouter:
    router = public_router("sync", DirectRoute)

    @router.get("/changes", response_model=schemas.ChangeFeed, openapi_extra={"parameters": CHANGES_PARAMETERS})
    async def list_account_changes(request: Request, principal: Caller) -> Response:
        """List the changes after a cursor, the oldest first; 410 `cursor_expired` if some of them are deleted.

        An API token that is limited to a folder gets those in it, numbered by themselves. What is moved into the folder
        is `shared`, what is moved out of it is `unshared`.
        """
        query = request.query_params
        limit = parse_limit(query.get("limit"))
        cursor = query.get("cursor") or None
        if principal.folder_id:
            page = await of_folders.page(principal, cursor, limit)
        else:
            page = await changes.page(principal.account_id, cursor, limit)
        return Response(page.body, media_type="application/json", headers={"cache-control": "no-store"})

    return router
