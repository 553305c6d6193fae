"""Events of uploads. Said by the upload service."""

from datetime import datetime
from typing import Literal

from docstore_events.event import Event

UploadMethod = Literal["form", "put", "multipart", "credentials"]


class UploadEvent(Event, topic="uploads", abstract=True):
    """What is known of an upload from its beginning on. Sizes in bytes."""

    upload_id: str
    account_id: str
    """Whose quota the bytes count against."""
    path: str
    size: int
    method: UploadMethod

    def key(self) -> str:
        return self.upload_id


class UploadInitiated(UploadEvent):
    """Emitted when quota is reserved and the client may send the bytes."""

    expires_at: datetime


class UploadCompleted(UploadEvent):
    """Emitted when the bytes are verified and committed as a version of a file."""

    file_id: str
    version: int
    sha256: str
    conflicted: bool = False
    """The commit was late: it became a conflicted copy."""
    completed_by: Literal["client", "workflow"] = "client"
    uploaded_by: str = ""
    """Account that uploaded it: the owner's, or that of an editor of a shared folder. `path` is as they see it."""


class UploadExpired(UploadEvent):
    """Emitted when the bytes never came: the reservation ends and what was sent is removed."""


class UploadAborted(UploadEvent):
    """Emitted when the client gave the upload up, or its bytes were refused for good."""

    reason: str


class UploadStalled(UploadEvent):
    """Emitted when something that must follow a completed upload has not happened in time."""

    file_id: str
    missing: tuple[str, ...]
    """The services that have not reacted: quota, indexer, notify."""
