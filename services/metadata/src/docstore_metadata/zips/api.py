"""Routes of ZIPs."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from docstore_metadata.dependencies import public_router
from docstore_metadata.zips.delivery import ZIP_TYPE, ZipDelivery
from docstore_metadata.zips.schemas import MAX_IDS_IN_URL, ZipSelection
from docstore_metadata.zips.service import ZipService, name_of
from docstore_platform.http.values import Id
from docstore_platform.security.tokens import Caller, Principal

_BYTES = {"content": {ZIP_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
ZIP_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The ZIP, with its `Content-Length`.", **_BYTES},
    206: {"description": "The requested range, to continue an interrupted download.", **_BYTES},
    304: {"description": "`If-None-Match` names the ETag of this ZIP."},
    416: {"description": "The range contains no byte."},
}
Ids = Annotated[list[Id], Query(alias="id", min_length=1, max_length=MAX_IDS_IN_URL, description="repeated for each")]


def zips_router(zips: ZipService, delivery: ZipDelivery) -> APIRouter:
    router = public_router("files")

    @router.get("/files/{file_id}/zip", response_class=Response, responses=ZIP_RESPONSES)
    async def get_zip(file_id: str, request: Request, principal: Caller) -> Response:
        """Download a folder with all that is in it as a ZIP, stored without compression.

        An interrupted download continues by `Range` and `If-Range` for a day, if nothing has changed; else the response
        is the whole ZIP. 409 `archived` with `file_ids` if contents are in cold storage, 413 `too_many_files` beyond
        200,000 files and folders, 429 `too_many_zips` while several ZIPs are being sent. Names that some systems
        refuse, or can't distinguish in a folder, are changed. A failure in the middle ends the connection early.
        """
        return await _send(principal, [file_id], request)

    @router.get("/files/zip", response_class=Response, responses=ZIP_RESPONSES)
    async def get_zip_of_selection(ids: Ids, request: Request, principal: Caller) -> Response:
        """Download up to 200 files and folders as one ZIP, by a URL that a browser can open; as that of a folder."""
        return await _send(principal, ids, request)

    @router.post("/files/zip", response_class=Response, responses=ZIP_RESPONSES)
    async def create_zip(body: ZipSelection, request: Request, principal: Caller) -> Response:
        """Download up to 1,000 files and folders as one ZIP; as that of a folder."""
        return await _send(principal, body.ids, request)

    async def _send(principal: Principal, node_ids: Sequence[str], request: Request) -> Response:
        places = await zips.chosen(principal, node_ids)
        return await delivery.respond(principal.account_id, name_of(places), lambda: zips.plan(places), request.headers)

    return router
