"""HTTP route `GET /v1/files`: a page of a folder."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from docstore_metadata.dependencies import DirectRoute, public_router, query_parameter
from docstore_metadata.listing.query import parse_list_query
from docstore_metadata.listing.service import Listings
from docstore_metadata.paging import DEFAULT_LIMIT, MAX_LIMIT
from docstore_metadata.tree.views.schemas import FilePage
from docstore_platform.http.parameters import METADATA_FILTER
from docstore_platform.http.values import CURSOR_SCHEMA, DAY_OR_MOMENT_SCHEMA, PATH_SCHEMA
from docstore_platform.security.tokens import Caller

LIST_PARAMETERS = [
    query_parameter("path", "The folder, by its path; the root if neither this nor parent_id is given.", **PATH_SCHEMA),
    query_parameter("parent_id", "The folder, by its id; with a path, the folder that the path starts from."),
    query_parameter(
        "sort",
        "Sort order. natural: folders first, then by name, without case, numbers by value (`a2` before `A10`); "
        "name: by the bytes of the name. With a prefix and no sort it is name.",
        enum=["natural", "name", "modified", "created", "size"],
        default="natural",
    ),
    query_parameter("order", "Ascending or descending.", enum=["asc", "desc"], default="asc"),
    query_parameter("tag", "Only items with this tag."),
    query_parameter("type", "Only files of this content type, or of a family such as `image/*`."),
    query_parameter("prefix", "Only items whose name begins with this."),
    query_parameter("modified_after", "Only items modified then or later.", **DAY_OR_MOMENT_SCHEMA),
    query_parameter("modified_before", "Only items modified earlier.", **DAY_OR_MOMENT_SCHEMA),
    query_parameter("created_after", "Only items created then or later.", **DAY_OR_MOMENT_SCHEMA),
    query_parameter("created_before", "Only items created earlier.", **DAY_OR_MOMENT_SCHEMA),
    METADATA_FILTER,
    query_parameter("owner", "Only items that this account owns."),
    query_parameter("kind", "Only files, or only folders.", enum=["file", "folder"]),
    query_parameter("limit", "Items on a page.", type="integer", minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT),
    query_parameter("cursor", "`next_cursor` of the previous page.", **CURSOR_SCHEMA),
]


def listing_router(listings: Listings) -> APIRouter:
    router = public_router("files", DirectRoute)

    @router.get("/files", response_model=FilePage, openapi_extra={"parameters": LIST_PARAMETERS})
    async def list_folder(request: Request, principal: Caller) -> Response:
        """List a page of a folder. The ETag changes with every item in it; 304 if it matches `If-None-Match`."""
        query = parse_list_query(request.scope["query_string"].decode("latin-1"))
        listing = await listings.list_folder(principal, query)
        if listing.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"etag": listing.etag})
        return Response(listing.body, headers={"etag": listing.etag}, media_type="application/json")

    return router
