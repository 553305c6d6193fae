"""Files and folders, their versions and media, and the journal of changes."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_client.models.base import Model, Page

Kind = Literal["file", "folder"]
Permission = Literal["owner", "editor", "viewer"]
ChangeType = Literal["created", "modified", "moved", "deleted", "restored", "shared", "unshared"]


class File(Model):
    """A file or folder as the caller sees it. A file requested by itself, or shared with the caller, includes names of
    people; there, `None` means that a person's name is unknown."""

    id: str
    kind: Kind
    name: str
    path: str
    parent_id: str | None
    size: int
    content_type: str | None
    sha256: str | None
    version: int
    tags: tuple[str, ...]
    metadata: dict[str, str] = Field(default_factory=dict)
    """Custom metadata of the current version."""
    owner_id: str
    owner_name: str | None = None
    permission: Permission
    can_delete: bool = False
    """Whether the caller may put it into its owner's trash; a folder, while it contains nothing of others."""
    created_at: datetime
    modified_at: datetime
    client_modified_at: datetime | None = None
    """When the client last changed the content, if it sent that."""
    modified_by: str
    modified_by_name: str | None = None
    etag: str
    indexed: bool = False
    watermark: str | None = None
    """Text all over the pictures that are all the caller may see of the content; None: the caller may download it."""
    trashed_at: datetime | None = None
    expires_at: datetime | None = None
    """In the trash: when it is deleted forever, or shortly after; None: never."""

    @property
    def is_folder(self) -> bool:
        return self.kind == "folder"


class Media(Model):
    version: int
    state: str
    reason: str
    kind: str | None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    pages: int | None = None
    taken_at: str | None = None
    camera: str | None = None
    orientation: int | None = None
    latitude: float | None = None
    longitude: float | None = None


class Version(Model):
    version: int
    size: int
    content_type: str
    sha256: str
    created_at: datetime
    client_modified_at: datetime | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    created_by: str
    created_by_name: str | None = None
    device: str
    restored_from: int | None
    current: bool


class TemporaryKeys(Model):
    """Credentials of S3, and where they work."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime
    endpoint: str
    region: str
    bucket: str


class ReadableObject(Model):
    """A file whose content is an object of its own. `path`: from the requested folder on."""

    path: str
    file_id: str
    key: str
    size: int
    sha256: str


class LeftOutFile(Model):
    """A file that credentials can't read. `reason`: blocks, pack or archived."""

    path: str
    reason: str


class ReadCredentials(Model):
    """Temporary credentials that read `objects`, and what of the folder they do not read."""

    credentials: TemporaryKeys
    objects: list[ReadableObject]
    not_included: list[LeftOutFile]
    not_included_count: int


class Retrieval(Model):
    """Whether a content can be read, or must be retrieved from cold storage first."""

    version: int
    state: Literal["available", "archived", "requested"]
    requested_at: datetime | None
    expected_at: datetime | None
    """When it can probably be read, if it was requested."""
    estimate_seconds: int | None


class Change(Model):
    seq: int
    type: ChangeType
    file: File


class Changes(Model):
    changes: list[Change]
    cursor: str
    has_more: bool


class Snapshot(Page[File]):
    """A page of all files that the account can read; changes continue from `changes_cursor` after the last page.

    `epoch` changes when the server is restored from a backup: no user deleted the files that are missing then.
    """

    changes_cursor: str
    epoch: str = ""


class Comparison(Model):
    newer: list[File]
    missing: list[File]
    unknown: list[str]
    deleted: list[str]
    same: int
