"""HTTP: where a preview is fetched."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from docstore_media.rules import Size
from docstore_media.service import NamedVersion, PreviewService
from docstore_platform.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.service_identity import callers
from docstore_platform.tokens import Principal, current_principal

Caller = Annotated[Principal, Depends(current_principal)]
MAX_ITEMS = 1000


class PreviewItem(BaseModel):
    file_id: str = Field(min_length=1, max_length=64)
    version: int = Field(ge=1)
    name: str


class PreviewsWanted(BaseModel):
    items: list[PreviewItem] = Field(max_length=MAX_ITEMS)
    size: Size = "small"


def preview_router(service: PreviewService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["files"])

    @router.get("/files/{file_id}/preview", status_code=302, response_class=RedirectResponse)
    async def file_preview(
        caller: Caller,
        file_id: str,
        size: Annotated[Literal["small", "large"], Query(description="320 or 1600 pixels a side at most")] = "large",
    ) -> Response:
        """A WebP picture of the current version, by a signed URL: of an image, or of a PDF's first page.

        404 `no_preview` while there is none: `preview` of the file says whether there is one.
        """
        url = await service.url(caller.account_id, file_id, size)
        return RedirectResponse(url, 302, headers={"cache-control": f"private, max-age={service.kept_seconds}"})

    return router


def internal_preview_router(service: PreviewService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"])

    @router.post("/previews", dependencies=[callers("metadata")])
    async def preview_urls(body: PreviewsWanted) -> dict[str, list[str | None]]:
        """Signed URLs in the order of `items`, null where there is no preview. The caller checks who may see them."""
        files = [NamedVersion(item.file_id, item.version, item.name) for item in body.items]
        return {"urls": await service.urls(files, body.size)}

    return router
