"""HTTP routes of contents: `/v1/files/{id}/content`, its blocks, and the URLs of many contents at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from docstore_metadata.dependencies import NO_STORE, public_router
from docstore_metadata.downloads import schemas
from docstore_metadata.downloads.delivery import Delivery
from docstore_metadata.downloads.schemas import WantedItems
from docstore_metadata.downloads.service import DownloadService, Wanted
from docstore_platform.clock import rfc3339
from docstore_platform.errors import invalid
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.read_header import with_read_files
from docstore_platform.http.values import MAX_VERSION, Cursor, VersionNumber
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

DEFAULT_BLOCKS = 1000
Number = Annotated[VersionNumber | None, Query()]
_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
CONTENT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes, of content in blocks or in a pack.", **_BYTES},
    206: {"description": "The requested range of bytes.", **_BYTES},
    304: {"description": "`If-None-Match` names the ETag of this content."},
    416: {"description": "The range contains no byte."},
}


def downloads_router(downloads: DownloadService, delivery: Delivery) -> APIRouter:
    router = public_router("files")

    @router.get(
        "/files/{file_id}/content", status_code=302, response_class=RedirectResponse, responses=CONTENT_RESPONSES
    )
    async def get_content(file_id: str, request: Request, principal: Caller, version: Number = None) -> Response:
        """Download a content: a redirect to a signed URL that expires, or the bytes, also by ranges.

        409 `archived` for a content in cold storage, with `estimate_seconds`: request its retrieval.
        """
        download = await downloads.one(principal, file_id, version)
        return await delivery.respond(principal.account_id, download, request.headers, downloads.seconds)

    @router.get("/files/{file_id}/blocks", response_model=schemas.BlockList)
    async def list_file_blocks(
        file_id: str,
        principal: Caller,
        version: Number = None,
        limit: Annotated[int, Query(ge=1, le=DEFAULT_BLOCKS)] = DEFAULT_BLOCKS,
        cursor: Cursor = None,
        signed: Annotated[bool, Query(description="False: for who has signed cookies.")] = True,
    ) -> Response:
        """List the blocks of a content, in order, each with a signed URL of its zstd frame.

        A cursor continues in the version of the first page. 409 `not_in_blocks` for content in another form,
        `archived` for one in cold storage, `no_signed_cookies` without `signed` where there are none.
        """
        number, position = _place_in(cursor) if cursor else (version, 0)
        page = await downloads.blocks(principal, file_id, number, position, limit, signed=signed)
        blocks = [{"hash": block.hash, "size": block.size, "url": url} for block, url in page.blocks]
        outcome = {"version": page.version.number, "size": page.version.size, "sha256": page.version.sha256}
        if page.following is not None:
            outcome["cursor"] = encode_cursor(page.version.number, page.following)
        response = json_response(outcome | {"blocks": blocks}, headers=NO_STORE)
        return with_read_files(response, [] if position else [file_id])

    @router.post("/contents", response_model=schemas.ContentLocations)
    async def locate_contents(body: WantedItems, principal: Caller) -> Response:
        """Locate many files, in the requested order: a URL each, or a problem.

        Small files that the caller sent in a pack share the pack's URL, each with its `offset`. The pack may be
        rewritten meanwhile: locate a file again if its `sha256` does not match. Without `direct`, the URL is a path of
        this API.
        """
        wanted = [Wanted(item.id, item.version) for item in body.items]
        results = await downloads.many(principal, wanted, signed=body.signed)
        # Contents that are not direct are read, and reported, by the call to their URL.
        read = [result["id"] for result in results if "problem" not in result and result.get("direct")]
        return with_read_files(json_response({"results": results}, headers=NO_STORE), read)

    @router.post("/contents/cookies", response_model=schemas.ContentCookies)
    async def create_content_cookies(principal: Caller) -> Response:
        """Create signed cookies of the CDN, which open all contents of the caller's own account.

        Send them with URLs that were requested without `signed`; URLs of contents that others share stay signed. 409
        `no_signed_cookies` where they are not offered.
        """
        found = downloads.cookies(principal)
        outcome = {"prefix": found.prefix, "cookies": found.cookies, "expires_at": rfc3339(found.expires_at)}
        return json_response(outcome, headers=NO_STORE)

    return router


def _place_in(cursor: str) -> tuple[int, int]:
    """The version and the position in it where the page before ended."""
    number, position = decode_cursor(cursor, int, int)
    if not (1 <= number <= MAX_VERSION and 0 <= position <= MAX_VERSION):
        raise invalid("The cursor is not one of ours.", "invalid_cursor")
    return number, position
