"""Internal API of media."""

from collections.abc import Sequence
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from docstore_contracts.caller import MAX_ITEMS, Client, Id

PreviewSize = Literal["small", "large"]


class PreviewItem(TypedDict):
    file_id: Id
    version: Annotated[int, Field(ge=1)]
    name: str


class PreviewsRequest(TypedDict):
    items: Annotated[list[PreviewItem], Field(max_length=MAX_ITEMS)]
    size: NotRequired[PreviewSize]
    """`small` unless given."""


class PreviewUrls(TypedDict):
    urls: list[str | None]


class PictureRequest(TypedDict):
    file: PreviewItem
    watermark: str
    """Empty for a picture without one."""
    size: PreviewSize
    page: Annotated[int, Field(ge=1)]


class PictureUrl(TypedDict):
    url: str


class MediaClient(Client):
    async def preview_urls(self, items: Sequence[PreviewItem], size: PreviewSize) -> list[str | None]:
        """Signed URLs in the order of `items`, None where there is no preview. The caller checks who may see them."""
        body: PreviewsRequest = {"items": list(items), "size": size}
        response: PreviewUrls = await self._call("POST", "/internal/previews", body)
        return response["urls"]

    async def picture(self, file: PreviewItem, watermark: str, size: PreviewSize, page: int) -> str:
        """Signed URL of a picture of a version, or of a page of it, with this text all over it, if there is one.

        Rendered now if it does not exist. The caller checks who may see it. Raises NotFound `no_preview` or
        `preview_failed`, Unavailable `preview_in_progress`.
        """
        body: PictureRequest = {"file": file, "watermark": watermark, "size": size, "page": page}
        response: PictureUrl = await self._call("POST", "/internal/pictures", body)
        return response["url"]
