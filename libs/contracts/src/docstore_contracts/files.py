"""Files and folders in metadata's internal API: as one account sees them, and with all of their state."""

from collections.abc import Mapping, Sequence
from typing import Literal

from typing_extensions import TypedDict

from docstore_contracts.caller import Timestamp

Permission = Literal["owner", "editor", "viewer"]


class File(TypedDict):
    """A file or folder as one account sees it: `File` of the public API."""

    id: str
    kind: Literal["file", "folder"]
    name: str
    path: str
    parent_id: str | None
    size: int
    content_type: str | None
    sha256: str | None
    version: int
    tags: Sequence[str]
    metadata: Mapping[str, str]
    owner_id: str
    permission: Permission
    can_delete: bool
    created_at: Timestamp
    modified_at: Timestamp
    client_modified_at: Timestamp | None
    modified_by: str
    etag: str
    indexed: bool
    preview: bool
    watermark: str | None
    """Text on all that the account may see of the content; null: it may have the original."""


class FileState(TypedDict):
    """State of a file or folder: the JSON of `FileState` in events."""

    file_id: str
    owner_id: str
    parent_id: str
    ancestors: Sequence[str]
    kind: Literal["file", "folder"]
    name: str
    size: int
    content_type: str
    sha256: str
    version: int
    tags: Sequence[str]
    metadata: Mapping[str, str]
    created_at: Timestamp
    modified_at: Timestamp
    modified_by: str
    device: str
    object_key: str
    readers: Sequence[str]


class FileEntry(TypedDict):
    """A file or folder, in the trash or not."""

    file: FileState
    revision: int
    path: str
    trashed: bool


class FileEntries(TypedDict):
    items: list[FileEntry]
    next_after: str | None
