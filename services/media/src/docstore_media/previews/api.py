"""HTTP routes of previews: what is known of a content, and URLs for the pages of public links."""

from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_contracts.media import PreviewsRequest, PreviewUrls
from docstore_media.previews.outcomes import public_kind
from docstore_media.previews.schemas import Media
from docstore_media.previews.service import NamedVersion, PreviewService
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def media_router(service: PreviewService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["files"])

    @router.get("/files/{file_id}/media")
    async def get_media(caller: Caller, file_id: str) -> Media:
        """Get whether the current version has a preview, and if not why, and the facts in its content: size in
        pixels, pages, camera, time and place of a photo; the last three only for those who may read the original.
        """
        version, about = await service.about(caller, file_id)
        return Media(
            version=version,
            state=about.state if about.state in ("pending", "ready", "failed") else "none",
            reason=about.reason,
            kind=None if about.kind is None else public_kind(about.kind),
            **asdict(about.facts),
        )

    return router


def internal_preview_router(service: PreviewService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"])

    @router.post("/previews", dependencies=[callers("metadata")], response_model=described(PreviewUrls))
    async def preview_urls(body: PreviewsRequest) -> Response:
        """Signed URLs in the order of `items`, null where there is no preview. The caller checks who may see them."""
        files = [NamedVersion(item["file_id"], item["version"], item["name"]) for item in body["items"]]
        return json_response(PreviewUrls(urls=await service.urls(files, body.get("size", "small"))))

    return router
