"""Internal API of upload."""

from collections.abc import Sequence
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from docstore_contracts.caller import MAX_ITEMS, Client, Id, Timestamp


class ContentsRelease(TypedDict):
    """Object keys of any contents: block lists, slices of packs, objects of their own."""

    keys: Annotated[list[str], Field(max_length=MAX_ITEMS)]


class ContentKeys(TypedDict):
    """Object keys of any contents."""

    keys: Annotated[list[str], Field(max_length=MAX_ITEMS)]


class UnusedContent(TypedDict):
    """A content that was not read for long; of two reports the one with the later `turn` counts."""

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


class ReceivedBegin(TypedDict):
    """A file that a visitor of a link sends into the owner's folder, or as a new version of the owner's file."""

    account_id: Id
    folder_id: Id
    """Folder that `name` is put into."""
    name: str
    size: Annotated[int, Field(ge=0)]
    sha256: str | None
    device: str
    link_id: NotRequired[str]
    """Link for editing that must still exist when the file is committed; default: none."""
    top_id: NotRequired[str]
    """What that link leads to: nothing outside it is written to."""
    file_id: NotRequired[str | None]
    """File that gets a new version, in place of a name in a folder."""
    base_version: NotRequired[Annotated[int, Field(ge=0)]]
    """Version that it is based on; default: 0, a new file."""


class ReceivedUpload(TypedDict):
    """One signed PUT. `id` contains the right to complete this upload, and no other."""

    id: str
    url: str
    headers: dict[str, str]
    expires_at: Timestamp


class ReceivedComplete(TypedDict):
    upload_id: Id
    token: Annotated[str, Field(max_length=64)]


class ReceivedFile(TypedDict):
    name: str
    size: int
    id: NotRequired[str]
    version: NotRequired[int]
    link_id: NotRequired[str]
    """Link for editing by which it was sent; empty: none."""


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
        """Let unread contents move to a colder storage class. Idempotent."""
        body: UnusedContents = {"items": [{"key": key, "turn": turn} for key, turn in turns]}
        await self._call("POST", "/internal/contents/unused", body)

    async def use_contents(self, keys: Sequence[str]) -> list[str]:
        """Record that unused contents are read again; return those that must be retrieved first."""
        body: ContentKeys = {"keys": list(keys)}
        response: ArchivedContents = await self._call("POST", "/internal/contents/use", body)
        return response["archived"]

    async def retrieve_contents(self, keys: Sequence[str]) -> RetrievalProgress:
        """Take the next steps to retrieve archived contents; repeat it until none is waiting."""
        body: ContentKeys = {"keys": list(keys)}
        progress: RetrievalProgress = await self._call("POST", "/internal/contents/retrieve", body)
        return progress

    async def begin_received(self, file: ReceivedBegin) -> ReceivedUpload:
        """Begin the upload of a visitor on behalf of the account that owns the folder."""
        upload: ReceivedUpload = await self._call("POST", "/internal/received", file)
        return upload

    async def complete_received(self, upload_id: str, token: str) -> ReceivedFile:
        """Complete such an upload. Idempotent."""
        body: ReceivedComplete = {"upload_id": upload_id, "token": token}
        file: ReceivedFile = await self._call("POST", "/internal/received/complete", body)
        return file

    async def stalled_uploads(self, after: str, limit: int) -> StalledUploads:
        """By id."""
        page: StalledUploads = await self._call("GET", f"/internal/uploads/stalled?after={after}&limit={limit}")
        return page
