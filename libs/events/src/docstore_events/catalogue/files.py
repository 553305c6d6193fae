"""Events of files and folders, including those of indexer and media."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from docstore_events.catalogue.event import Event


class FileState(BaseModel):
    """State of a file or folder after the change. Sizes in bytes; a folder has size 0 and version 0."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file_id: str
    owner_id: str
    parent_id: str
    ancestors: tuple[str, ...] = ()
    """Ids of its folders at that time, from the root to its parent."""
    kind: Literal["file", "folder"]
    name: str
    size: int
    content_type: str
    sha256: str
    version: int
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = {}
    """Custom metadata, by name."""
    created_at: datetime
    modified_at: datetime
    modified_by: str
    """Account that made the last change."""
    device: str = ""
    """Device of the last change, as its session names it."""
    object_key: str = ""
    """Object key of the current version in the content bucket; empty for a folder."""
    readers: tuple[str, ...] = ()
    """Accounts besides the owner that may read it."""


class FileEvent(Event, topic="files", owner="metadata", key="file.file_id", abstract=True):
    """A change to one file or folder."""

    file: FileState
    path: str
    """Path at that time, for people; later moves do not update it."""
    actor_id: str
    """Account that caused the change; empty if it was the owner's retention policy, or a visitor of a link."""
    by_link: str = ""
    """Which link a visitor without an account used, for people: `by link NAME`; empty if the account itself acted."""


class FileCreated(FileEvent):
    """Emitted when a file or folder was created: by an upload, a copy, or as a folder."""

    upload_id: str | None = None
    """The upload whose reservation these bytes use; for a copy, the reservation made for it."""


class FileModified(FileEvent):
    """Emitted when a file has a new current version, by an upload or by restoring an old one."""

    upload_id: str | None = None
    added_bytes: int
    """Bytes that the new version adds to the owner's usage."""


class FileMoved(FileEvent):
    """Emitted when a file or folder was renamed or moved to another folder."""

    previous_path: str
    previous_readers: tuple[str, ...] = ()
    """Accounts besides the owner that could read it at its previous place."""


class FileTagged(FileEvent):
    """Emitted when the tags or the custom metadata of a file or folder have changed."""

    changed: tuple[Literal["tags", "metadata"], ...] = ("tags",)


class FileDeleted(FileEvent):
    """Emitted when a file or folder was moved to the trash, by itself or with a folder; its bytes still count."""


class FileRestored(FileEvent):
    """Emitted when a file or folder was restored from the trash."""


class FileAccessChanged(FileEvent):
    """Emitted when its readers have changed, because it or a folder above it was shared, unshared or moved."""


class FilePurged(FileEvent):
    """Emitted when a file with all its versions, or a folder, was permanently deleted."""

    freed_bytes: int


class VersionPruned(FileEvent):
    """Emitted when an old version was deleted by the owner's retention policy."""

    pruned_version: int
    freed_bytes: int


class ContentRetrieved(Event, topic="files", owner="metadata", key="retrieval_id"):
    """Emitted when a content that was in cold storage can be read again, once for each account that requested it."""

    retrieval_id: str
    file_id: str
    version: int
    owner_id: str
    account_id: str
    """Account that requested it."""
    path: str
    """Path of the file, as this account sees it."""


class IndexEvent(Event, topic="files", owner="indexer", key="file_id", abstract=True):
    """Result of indexing one version. `revision` is the revision of the indexed file."""

    file_id: str
    owner_id: str
    version: int


class FileIndexed(IndexEvent):
    """Emitted when searches can find this version."""

    mode: Literal["name", "fulltext"]
    characters: int = 0
    ocr: bool = False


class FileIndexFailed(IndexEvent):
    """Emitted when the text of this version can't be extracted; searches find it by its name."""

    reason: str
    """Stable code: corrupt, encrypted, unsupported_type, too_large, archive_bomb, timed_out, ... (indexer's README)."""


class PreviewEvent(Event, topic="files", owner="media", key="file_id", abstract=True):
    """Result of rendering one version. `revision` is the file's revision in the event that published the version."""

    file_id: str
    owner_id: str
    version: int


class PreviewReady(PreviewEvent):
    """Emitted when this version has previews, whether or not it is the current one."""

    of: Literal["image", "pdf", "video"]
    taken_at: str | None = None
    """When a photo was taken by the camera's clock, as `2026-05-04T13:14:15` in an unknown time zone; null: unknown."""


class PreviewFailed(PreviewEvent):
    """Emitted when no preview of this version can be rendered, though its type supports them."""

    reason: str
    """Stable code: corrupt, encrypted, too_large, timed_out, out_of_memory, parser_crashed, content_missing,
    archived."""
