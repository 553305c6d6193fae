"""What the public routes answer, as the API's description shows it."""

from datetime import datetime
from typing import Literal

from docstore_metadata.domain import Kind, Permission, ShareRole
from docstore_metadata.journal import ChangeType
from docstore_platform.answers import Answer, ItemProblem, Page, sometimes
from docstore_platform.values import Sha256


class File(Answer):
    """A file or folder as the caller sees it."""

    id: str
    """Stays the same when it is renamed or moved."""
    kind: Kind
    """What it is."""
    name: str
    """Empty for the caller's root folder."""
    path: str
    """From the caller's root. What is shared with them begins at what was shared."""
    parent_id: str | None
    """The folder it is in; null where the caller may not read that, and for the root."""
    size: int
    """Bytes; 0 for a folder."""
    content_type: str | None
    """Media type; null for a folder."""
    sha256: Sha256 | None
    """SHA-256 of the content, in hexadecimal digits; null for a folder."""
    version: int
    """Number of the current version, from 1; 0 for a folder."""
    tags: list[str]
    """Up to 50, in the order they were given."""
    owner_id: str
    """Account that owns it, and is charged for it."""
    owner_name: str | None = sometimes()
    """What it is called, in answers about one file and what is shared; null if that is not known."""
    permission: Permission
    """What the caller may do with it."""
    created_at: datetime
    """When it was first there."""
    modified_at: datetime
    """When its content, or of a folder its name or place, was last changed."""
    client_modified_at: datetime | None
    """When the content was last changed where it was sent from; null for a folder, and where the client did not say."""
    modified_by: str
    """Account that did that."""
    modified_by_name: str | None = sometimes()
    """What it is called, where `owner_name` is."""
    etag: str
    """For `If-Match`; it changes with anything that is shown here but `indexed`."""
    indexed: bool
    """Whether search knows the text of the current version."""
    preview: bool
    """Whether there is a picture of the current version."""


class FilePage(Page[File]):
    """A page of a folder."""


class TrashedFile(File):
    """A file or folder in the trash; `path` is where it was."""

    trashed_at: datetime
    """When it was put there."""
    expires_at: datetime | None
    """When it goes for good, then or a little later; null: never."""


class TrashPage(Page[TrashedFile]):
    """A page of the trash."""


class RetentionPolicy(Answer):
    """How long what is no longer needed is kept."""

    trash_days: int | None
    """Days in the trash; null: for ever."""
    versions: int
    """Of a file, the current one included."""
    version_days: int | None
    """Days after another version has taken its place; null: for ever."""


class Retention(RetentionPolicy):
    """The policy that the account has, or will have."""

    is_default: bool
    """Whether it is the operator's, since nothing was chosen."""
    applies_at: datetime | None
    """When the last choice takes effect; null: it has."""
    most: RetentionPolicy
    """The most that may be chosen."""


class Version(Answer):
    """One content that a file has, or had."""

    version: int
    """From 1; each change of the content takes the next."""
    size: int
    """Bytes."""
    content_type: str
    """Media type."""
    sha256: Sha256
    """SHA-256 of the content, in hexadecimal digits."""
    created_at: datetime
    """When it was sent, or restored."""
    client_modified_at: datetime | None
    """When the content was last changed where it was sent from; null where the client did not say."""
    created_by: str
    """Account."""
    created_by_name: str | None
    """What it is called; null if that is not known."""
    device: str
    """Name of the device it came from; empty if that is not known, or a device of somebody else on another's file."""
    restored_from: int | None
    """The version whose content was made the current one again; null if it was sent."""
    current: bool
    """Whether it is the one that the file has now."""


class VersionPage(Page[Version]):
    """A page of a file's versions."""


class Change(Answer):
    """One entry of an account's journal."""

    seq: int
    """Of this account, from 1, without a gap."""
    type: ChangeType
    """What was done; `shared` and `unshared`: the account may read it from then on, or no longer."""
    file: File
    """As the change left it; of what is gone, as it was last."""


class ChangeFeed(Answer):
    """Changes, the oldest first."""

    changes: list[Change]
    """None if there is nothing new."""
    cursor: str
    """Goes on behind the last of them, also if there is none."""
    has_more: bool
    """Whether there are more already."""


class Snapshot(Page[File]):
    """A page of everything one may read. It may be empty and not the last."""

    changes_cursor: str
    """Where the changes go on once the last page is read; the same on every page."""
    epoch: str
    """Another one than before: the server was restored from a backup, and may lack what a client knew to be here."""


class CompareResult(Answer):
    """How the files of a client differ from what is here."""

    newer: list[File]
    """At a path that was named, with other content than the client's."""
    missing: list[File]
    """Files below the folder that the client did not name: the first 1,000."""
    missing_truncated: bool
    """Whether there are more of them."""
    unknown: list[str]
    """Paths at which nothing is known to have been."""
    deleted: list[str]
    """Paths at which there was something, which is gone."""
    same: int
    """How many paths have the same content here."""


class Block(Answer):
    """A piece of a file's content."""

    hash: Sha256
    """SHA-256 of the bytes before they were compressed."""
    size: int
    """Bytes, before compression."""
    url: str
    """Signed, good for some minutes: the block as one zstd frame."""


class BlockList(Answer):
    """What a content is made of, in its order."""

    version: int
    """The version that this is the content of."""
    size: int
    """Bytes of the whole content."""
    sha256: Sha256
    """Of the whole content."""
    cursor: str = sometimes()
    """Given as `cursor`, it goes on in this version; left out behind the last block."""
    blocks: list[Block]
    """In the order of the content."""


class ContentLocation(Answer):
    """Where a content is fetched."""

    id: str
    """Of the file."""
    version: int
    """Of the file."""
    size: int
    """Bytes."""
    sha256: Sha256
    """SHA-256 of the content, in hexadecimal digits."""
    direct: bool
    """Whether `url` is signed and leads to the object store; else it is a path of this API."""
    url: str
    """Signed, it is good for some minutes; a path is called like this API."""
    offset: int = sometimes()
    """Where the content begins, in bytes, in what `url` gives; only where it gives more than this content."""


class ContentLocations(Answer):
    """An answer for each that was asked for, in that order."""

    results: list[ContentLocation | ItemProblem]
    """In the order asked for."""


class Share(Answer):
    """A file or folder that a person has been given."""

    id: str
    """What changing and ending it takes."""
    file_id: str
    """The file or folder."""
    email: str
    """Whom it is shared with, as the owner typed it."""
    role: ShareRole
    """Whether they may change it."""
    state: Literal["pending", "active"]
    """`pending` until somebody has signed up with the address, verified it and accepted the share, then `active`."""
    created_at: datetime
    """When it was shared."""


class SharePage(Page[Share]):
    """A page of those with whom it is shared."""


class ReceivedShare(Answer):
    """A share as who was given it sees it."""

    id: str
    """What giving it up takes."""
    role: ShareRole
    """Whether the caller may change it."""
    owner_id: str
    """Account that shares."""
    owner_name: str | None
    """What it is called; null if that is not known."""
    shared_at: datetime
    """When it was shared."""


class SharedFile(File):
    """A file or folder that somebody shares with the caller."""

    share: ReceivedShare


class SharedFilePage(Page[SharedFile]):
    """A page of what is shared with the caller."""


class Link(Answer):
    """A public link as its owner sees it."""

    id: str
    """What changing and revoking it takes."""
    file_id: str
    """The file or folder it leads to."""
    url: str | None
    """A page for people; null for a link made before addresses were kept."""
    name: str
    """For the owner; may be empty."""
    has_password: bool
    """Whether one is asked for."""
    expires_at: datetime | None
    """Null: never."""
    max_downloads: int | None
    """Null: any number."""
    downloads: int
    """So far."""
    opens: int
    """How often it was looked at so far."""
    created_at: datetime
    """When it was made."""


class CreatedLink(Link):
    """A link that was just made."""

    url: str
    """A page for people."""
    token: str
    """What `/v1/links/{token}` takes; in this answer only."""


class LinkPage(Page[Link]):
    """A page of the links to a file or folder."""


class LinkedFile(Answer):
    """A file or folder as a link shows it to anybody."""

    id: str
    """What the link's other calls take."""
    name: str
    """As its owner calls it."""
    kind: Kind
    """What it is."""
    size: int
    """Bytes; 0 for a folder."""
    content_type: str | None
    """Null for a folder."""
    modified_at: datetime
    """When it was last changed."""


class LinkedFilePage(Page[LinkedFile]):
    """A page of a folder that a link leads to."""


class OpenedLink(Answer):
    """What a link leads to."""

    file: LinkedFile
    downloads_left: int | None
    """Null: any number."""
    expires_at: datetime | None
    """Null: never."""
    grant: str
    """Shows to the link's other calls that its password was given."""
    items: list[LinkedFile] = sometimes()
    """Of a folder: the first page of what is in it."""
    next_cursor: str | None = sometimes()
    """Of a folder: as on every page."""
