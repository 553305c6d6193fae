"""Files, folders and their versions. Standard library only."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from docstore_metadata.errors import InvalidTags
from docstore_metadata.tree.retention_policy import Choice

Kind = Literal["file", "folder"]
Permission = Literal["owner", "editor", "viewer"]
ShareRole = Literal["editor", "viewer"]
SharedWith = Mapping[str, ShareRole]
"""Roles by account."""
NOBODY: SharedWith = MappingProxyType({})
Watermarks = Mapping[str, str]
"""Texts by account."""
NO_WATERMARKS: Watermarks = MappingProxyType({})
CustomMetadata = Mapping[str, str]
"""Values by name."""
NO_METADATA: CustomMetadata = MappingProxyType({})
MAX_TAGS = 50
MAX_TAG_BYTES = 64


@dataclass(frozen=True, slots=True)
class Lock:
    """A write lock on a file or folder."""

    token: str
    account_id: str
    owner: str
    """What the client wrote about itself, as an XML element."""
    exclusive: bool
    deep: bool
    """Whether it covers all that is in the folder."""
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class Node:
    """A file or folder. Sizes in bytes; attributes of files keep their default in a folder."""

    id: str
    owner_id: str
    parent_id: str | None
    """None for the root, whose id is its owner's."""
    name: str
    kind: Kind
    created_at: datetime
    modified_at: datetime
    modified_by: str
    device: str = ""
    inserted_by: str = ""
    """Of a file with another version than the first: who inserted it, if not its owner."""
    tags: tuple[str, ...] = ()
    metadata: CustomMetadata = field(default_factory=lambda: NO_METADATA)
    revision: int = 1
    live: bool = True
    """False once it was put into the trash itself. The contents of a folder in the trash stay live, but unreachable."""
    children_revision: int = 0
    """Counts the changes of a folder's children."""
    size: int = 0
    content_type: str = ""
    sha256: str = ""
    version: int = 0
    object_key: str = ""
    client_modified_at: datetime | None = None
    """When the current version's content was last changed, as reported by the client that sent it."""
    kept_versions: int = 0
    indexed_version: int = 0
    preview_version: int = 0
    photo_at: datetime | None = None
    """Of a photo or video with a preview of the current version: when it was taken, by the camera's clock; if unknown,
    when it was changed on the client, or created."""
    hidden: bool = False
    """Its deletion was published, together with that of a folder above it."""
    trashed_at: datetime | None = None
    trashed_path: str = ""
    shared_with: SharedWith = field(default_factory=lambda: NOBODY)
    """Whom it is shared with itself; the contents of a shared folder inherit the folder's shares."""
    watermarks: Watermarks = field(default_factory=lambda: NO_WATERMARKS)
    """Viewers among them who only see pictures of it, with this text all over them."""
    published_readers: tuple[str, ...] = ()
    """Accounts besides the owner that may read it, as last published."""
    replaced_from: datetime | None = None
    """Of a file with old versions: when the first of them was replaced, or earlier."""
    cold_from: datetime | None = None
    """Of a file: when the first old version was replaced that storage tiering has not yet checked."""
    cold_version: int = 0
    """Number of that version, or of an earlier one; 0: not known, as of earlier releases."""
    locks: tuple[Lock, ...] = ()
    """Write locks taken on it; expired ones may be among them."""
    properties: tuple[tuple[str, str], ...] = ()
    """Properties that WebDAV clients have set, of no meaning here: name and XML element."""
    suspended: bool = False
    """Of a root: its owner is suspended."""
    retention: Choice | None = None
    """Of a root: the retention policy that its owner chose."""
    trash_from: datetime | None = None
    """Of a root: the retention of its owner's trash starts at this moment or later; None: the trash is empty."""
    versions_from: datetime | None = None
    """Of a root: no old version of its owner's files was replaced earlier; None: there are none."""

    @property
    def is_folder(self) -> bool:
        return self.kind == "folder"

    @property
    def is_root(self) -> bool:
        return self.parent_id is None

    @property
    def indexed(self) -> bool:
        return self.version > 0 and self.indexed_version == self.version

    @property
    def preview(self) -> bool:
        return self.version > 0 and self.preview_version == self.version

    @property
    def etag(self) -> str:
        return f'"{self.revision}"'

    @property
    def inserter(self) -> str:
        """Account that inserted it. The first version of a file, and a folder, keep their author."""
        return self.inserted_by or (self.modified_by if self.version <= 1 else self.owner_id)

    def begin_version(self, account_id: str, at: datetime, device: str) -> None:
        """Count a new version of a file's content, and record its author."""
        if self.inserter != self.owner_id:
            self.inserted_by = self.inserter
        self.version += 1
        self.photo_at = None
        self.modified_at, self.modified_by, self.device = at, account_id, device


@dataclass(slots=True, kw_only=True)
class Version:
    """One version in the history of a file."""

    node_id: str
    owner_id: str
    number: int
    object_key: str
    size: int
    sha256: str
    content_type: str
    created_at: datetime
    created_by: str
    device: str = ""
    upload_id: str | None = None
    restored_from: int | None = None
    client_modified_at: datetime | None = None
    metadata: CustomMetadata | None = None
    """As of the file while this version is the current one; None: it had none."""
    came_at: datetime | None = None
    """When it replaced the previous version, by the later of the service's and the database's clock."""

    @property
    def committed_at(self) -> datetime:
        """When the previous version became an old one."""
        return self.came_at or self.created_at


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Normalize tags: NFC, stripped, without duplicates, in the given order. InvalidTags if one is not allowed."""
    try:
        clean = dict.fromkeys(unicodedata.normalize("NFC", tag.strip()) for tag in tags)
        fits = all(1 <= len(tag.encode()) <= MAX_TAG_BYTES and tag.isprintable() for tag in clean)
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise InvalidTags(f"A tag has 1 to {MAX_TAG_BYTES} bytes of printable text.")
    if len(clean) > MAX_TAGS:
        raise InvalidTags(f"There are at most {MAX_TAGS} tags.")
    return tuple(clean)
