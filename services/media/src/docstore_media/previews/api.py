"""HTTP routes of previews."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse, Response

from docstore_contracts.media import PreviewsRequest, PreviewUrls
from docstore_media.previews.service import NamedVersion, PreviewService
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import Caller
from docstore_platform.web import json_response


def preview_router(service: PreviewService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["files"])

    @router.get("/files/{file_id}/preview", status_code=302, response_class=RedirectResponse)
    async def file_preview(
        caller: Caller,
        file_id: str,
        size: Annotated[Literal["small", "large"], Query(description="at most 320 or 1600 pixels a side")] = "large",
        _: Annotated[
            int | None,
            Query(alias="v", description="The file's version, for a URL that changes with it; it chooses no version."),
        ] = None,
    ) -> Response:
        """Redirect to a signed URL of a WebP picture of the current version: of an image, or of a PDF's first page.

        404 `no_preview` if there is none; the file's `preview` field shows whether there is one.
        """
        url = await service.url(caller.account_id, file_id, size)
        return RedirectResponse(url, 302, headers={"cache-control": f"private, max-age={service.kept_seconds}"})

    return router


def internal_preview_router(service: PreviewService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"])

    @router.post("/previews", dependencies=[callers("metadata")], response_model=described(PreviewUrls))
    async def preview_urls(body: PreviewsRequest) -> Response:
        """Signed URLs in the order of `items`, null where there is no preview. The caller checks who may see them."""
        files = [NamedVersion(item["file_id"], item["version"], item["name"]) for item in body["items"]]
        return json_response(PreviewUrls(urls=await service.urls(files, body.get("size", "small"))))

    return router
