"""Internal API of upload."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from docstore_contracts.caller import MAX_ITEMS, Client, Timestamp


class ContentsRelease(TypedDict):
    """Object keys of any contents: block lists, slices of packs, objects of their own."""

    keys: Annotated[list[str], Field(max_length=MAX_ITEMS)]


class ContentKeys(TypedDict):
    """Object keys of any contents."""

    keys: Annotated[list[str], Field(max_length=MAX_ITEMS)]


class UnusedContent(TypedDict):
    """A content that nobody has read for long; of two reports the one with the later `turn` counts."""

    key: str
    turn: int


class UnusedContents(TypedDict):
    items: Annotated[list[UnusedContent], Field(max_length=MAX_ITEMS)]


class ArchivedContents(TypedDict):
    archived: list[str]
    """Keys of those that must be retrieved before they are read."""


class RetrievalProgress(TypedDict):
    waiting: list[str]
    """Keys of those that can't be read yet."""
    progressed: bool
    """Whether the next steps can be taken at once."""


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

    async def contents_unused(self, turns: Sequence[tuple[str, int]]) -> None:
        """Let contents that nobody reads move to a colder storage class. Idempotent."""
        body: UnusedContents = {"items": [{"key": key, "turn": turn} for key, turn in turns]}
        await self._call("POST", "/internal/contents/unused", body)

    async def use_contents(self, keys: Sequence[str]) -> list[str]:
        """Record that unused contents are read again; return those that must be retrieved first."""
        body: ContentKeys = {"keys": list(keys)}
        answer: ArchivedContents = await self._call("POST", "/internal/contents/use", body)
        return answer["archived"]

    async def retrieve_contents(self, keys: Sequence[str]) -> RetrievalProgress:
        """Take the next steps to retrieve archived contents; repeat it until none is waiting."""
        body: ContentKeys = {"keys": list(keys)}
        progress: RetrievalProgress = await self._call("POST", "/internal/contents/retrieve", body)
        return progress

    async def stalled_uploads(self, after: str, limit: int) -> StalledUploads:
        """By id."""
        page: StalledUploads = await self._call("GET", f"/internal/uploads/stalled?after={after}&limit={limit}")
        return page
