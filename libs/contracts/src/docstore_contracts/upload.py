"""Internal API of upload."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from docstore_contracts.caller import MAX_ITEMS, Client, Timestamp


class ContentsRelease(TypedDict):
    """Object keys of any contents: block lists, slices of packs, objects of their own."""

    keys: Annotated[list[str], Field(max_length=MAX_ITEMS)]


class StalledUpload(TypedDict):
    """A completed upload that a service has not acknowledged in time."""

    id: str
    account_id: str
    path: str
    file_id: str | None
    completed_at: Timestamp
    missing: list[str]
    """Services."""


class StalledUploads(TypedDict):
    items: list[StalledUpload]
    next_after: str | None


class UploadClient(Client):
    async def release_contents(self, keys: Sequence[str]) -> None:
        """Release contents that no version refers to any more. Idempotent."""
        body: ContentsRelease = {"keys": list(keys)}
        await self._call("POST", "/internal/contents/release", body)

    async def stalled_uploads(self, after: str, limit: int) -> StalledUploads:
        """By id."""
        page: StalledUploads = await self._call("GET", f"/internal/uploads/stalled?after={after}&limit={limit}")
        return page
