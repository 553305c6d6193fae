"""Requests and responses of the routes of files and folders."""

from datetime import datetime

from docstore_metadata.tree.rules import Kind, Permission
from docstore_platform.answers import Answer, Page, sometimes
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


class AncestorList(Page[File]):
    """All folders on the way down to a file or folder, on one page."""
