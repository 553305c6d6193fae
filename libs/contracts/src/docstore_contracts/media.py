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


class MediaClient(Client):
    async def preview_urls(self, items: Sequence[PreviewItem], size: PreviewSize) -> list[str | None]:
        """Signed URLs in the order of `items`, None where there is no preview. The caller checks who may see them."""
        body: PreviewsRequest = {"items": list(items), "size": size}
        response: PreviewUrls = await self._call("POST", "/internal/previews", body)
        return response["urls"]
