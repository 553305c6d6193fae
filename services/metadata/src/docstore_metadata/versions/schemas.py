"""Response models of versions."""

from datetime import datetime

from docstore_platform.http.response_models import Page, ResponseModel
from docstore_platform.http.values import Sha256


class Version(ResponseModel):
    """One version of a file."""

    version: int
    """From 1; each change of the content increments it."""
    size: int
    """Bytes."""
    content_type: str
    """Media type."""
    sha256: Sha256
    """SHA-256 of the content, in hexadecimal digits."""
    created_at: datetime
    """When it was uploaded or restored."""
    client_modified_at: datetime | None
    """When the content was last changed on the client; null if the client did not send it."""
    metadata: dict[str, str]
    """Custom metadata: values by name."""
    created_by: str
    """Account that created it."""
    created_by_name: str | None
    """Its display name; null if unknown."""
    device: str
    """Name of the device that uploaded it; empty if unknown, and for others unless the caller owns the file."""
    restored_from: int | None
    """The version that was restored; null for an upload."""
    current: bool
    """Whether it is the current version."""


class VersionPage(Page[Version]):
    """A page of a file's versions."""
