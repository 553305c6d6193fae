"""Response models of the API. Times are aware and in UTC, sizes are bytes. Unknown fields are ignored."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Kind = Literal["file", "folder"]
Permission = Literal["owner", "editor", "viewer"]
Role = Literal["editor", "viewer"]
ChangeType = Literal["created", "modified", "moved", "deleted", "restored", "shared", "unshared"]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Model, Generic[T]):
    items: list[T]
    next_cursor: str | None = None


class Usage(Model):
    used: int
    reserved: int
    limit: int
    over_quota: bool


class Account(Model):
    id: str
    email: str
    display_name: str
    plan: Literal["free", "premium"]
    role: Literal["user", "admin"]
    email_verified: bool = True
    """Missing in earlier releases, which granted access by unverified addresses."""
    home_region: str
    created_at: datetime
    usage: Usage | None = None


class Region(Model):
    """A region of a DocStore, as the region that responds sees it."""

    name: str
    url: str
    current: bool
    reachable: bool | None
    latency_ms: float | None
    replication_lag_seconds: float


class Session(Model):
    """A logged-in device."""

    id: str
    device_name: str = ""
    created_at: datetime
    last_used_at: datetime | None = None
    current: bool = False


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
    metadata: dict[str, str] = {}
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


class Policy(Model):
    """How long old data is kept; None means forever."""

    trash_days: int | None
    versions: int
    """Versions of a file, the current one included."""
    version_days: int | None
    """Counted from when a version was replaced."""


class Retention(Policy):
    """The account's policy; `most`: the largest allowed values."""

    is_default: bool
    applies_at: datetime | None = None
    """When the last change takes effect; None: it has."""
    most: Policy


class Languages(Model):
    """Languages of text in pictures and scans, as Tesseract names them, the main one first."""

    languages: list[str]
    is_default: bool
    available: list[str]


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
    metadata: dict[str, str] = {}
    created_by: str
    created_by_name: str | None = None
    device: str
    restored_from: int | None
    current: bool


class Retrieval(Model):
    """Whether a content can be read, or must be retrieved from cold storage first."""

    version: int
    state: Literal["available", "archived", "requested"]
    requested_at: datetime | None
    expected_at: datetime | None
    """When it can probably be read, if it was requested."""
    estimate_seconds: int | None


class Share(Model):
    id: str
    file_id: str
    email: str
    role: Role
    state: Literal["pending", "active"]
    watermark: str | None = None
    """Text all over the pictures that are all the recipient sees; None: the recipient may download."""
    created_at: datetime


class ShareInvitation(Model):
    """A pending share."""

    id: str
    name: str
    kind: Literal["file", "folder"]
    role: Role
    owner_id: str
    owner_name: str | None = None
    owner_email: str | None = None
    owner_email_verified: bool = False
    shared_at: datetime


class BlockedPerson(Model):
    """A blocked person; `id` is the account id or email address that was blocked."""

    id: str
    name: str | None = None
    email: str | None = None
    blocked_at: datetime


class Link(Model):
    """A public link; `url` and `token` are only returned on creation."""

    id: str
    url: str | None = None
    token: str | None = None
    name: str = ""
    expires_at: datetime | None = None
    max_downloads: int | None = None
    watermark: str | None = None
    """Text all over the pictures that are all that visitors see; None: they may download."""
    downloads: int = 0
    opens: int = 0
    has_password: bool = False
    created_at: datetime


class Change(Model):
    seq: int
    type: ChangeType
    file: File


class Changes(Model):
    changes: list[Change]
    cursor: str
    has_more: bool


class Snapshot(Model):
    """A page of all files that the account can read; changes continue from `changes_cursor` after the last page.

    `epoch` changes when the server is restored from a backup: nobody deleted the files that are missing then.
    """

    items: list[File]
    next_cursor: str | None
    changes_cursor: str
    epoch: str = ""


class Comparison(Model):
    newer: list[File]
    missing: list[File]
    unknown: list[str]
    deleted: list[str]
    same: int


class Hit(Model):
    file: File
    score: float
    snippet: str | None = None


class Hits(Model):
    items: list[Hit]
    total: int
    mode: Literal["name", "fulltext"]
    next_cursor: str | None = None


class SavedFilters(Model):
    """Filters of a saved search; those that are None do not filter. Spans in days end with the moment of the search."""

    model_config = ConfigDict(populate_by_name=True)

    within: Literal["name", "content"] | None = Field(None, alias="in")
    tag: list[str] | None = None
    type: str | None = None
    kind: Kind | None = None
    owner: str | None = None
    metadata: dict[str, str] | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    modified_within_days: int | None = None
    created_within_days: int | None = None
    sort: Literal["modified", "created", "size"] | None = None
    order: Literal["asc", "desc"] | None = None


class FamilySums(Model):
    """Files of one family, such as images, and the bytes of their current versions."""

    family: str
    files: int
    bytes: int


class SavedSearch(Model):
    id: str
    name: str
    q: str
    filters: SavedFilters
    created_at: datetime
    modified_at: datetime


class Subscription(Model):
    id: str
    file_id: str
    channel: str
    events: tuple[str, ...]
    target: dict[str, Any] | None = None
    state: str = "active"
    secret: str | None = None
    """Signing secret of a webhook; only returned on creation."""


class PushKey(Model):
    key: str


class PushSubscription(Model):
    """A browser that gets notifications by Web Push."""

    id: str
    device: str
    service: str
    current: bool
    created_at: datetime


class Notification(Model):
    id: str
    kind: str
    created_at: datetime
    read: bool
    title: str = ""
    items: list[dict[str, Any]] = []
