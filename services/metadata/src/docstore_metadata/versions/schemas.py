"""Responses of the routes of versions."""

from datetime import datetime

from docstore_platform.answers import Answer, Page
from docstore_platform.values import Sha256


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
