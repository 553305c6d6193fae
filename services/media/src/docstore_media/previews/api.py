"""Internal HTTP routes of previews."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_contracts.media import PreviewsRequest, PreviewUrls
from docstore_media.previews.service import NamedVersion, PreviewService
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.web import json_response


def internal_preview_router(service: PreviewService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"])

    @router.post("/previews", dependencies=[callers("metadata")], response_model=described(PreviewUrls))
    async def preview_urls(body: PreviewsRequest) -> Response:
        """Signed URLs in the order of `items`, null where there is no preview. The caller checks who may see them."""
        files = [NamedVersion(item["file_id"], item["version"], item["name"]) for item in body["items"]]
        return json_response(PreviewUrls(urls=await service.urls(files, body.get("size", "small"))))

    return router
