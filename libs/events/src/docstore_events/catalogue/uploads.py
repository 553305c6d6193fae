"""Events of uploads."""

from datetime import datetime
from typing import Literal

from docstore_events.catalogue.event import Event

UploadMethod = Literal["form", "put", "multipart", "credentials", "blocks"]


class UploadEvent(Event, topic="uploads", owner="upload", key="upload_id", abstract=True):
    """Facts of an upload from its initiation on. Sizes in bytes.

    For a form that left its size open, `size` is the maximum until upload-completed contains the actual size.
    """

    upload_id: str
    account_id: str
    """Account whose quota the bytes count against."""
    path: str
    size: int
    method: UploadMethod


class UploadInitiated(UploadEvent):
    """Emitted when quota is reserved and the client may send the bytes."""

    expires_at: datetime


class UploadCompleted(UploadEvent):
    """Emitted when the bytes are verified and committed as a version of a file."""

    file_id: str
    version: int
    sha256: str
    conflicted: bool = False
    """Whether the commit was too late and became a conflicted copy."""
    completed_by: Literal["client", "workflow"] = "client"
    uploaded_by: str = ""
    """Account of the uploader: the owner, or an editor of a shared folder. `path` is as they see it."""
    notify_uploader: bool = True
    """False if the client that uploaded it shows this itself."""


class UploadExpired(UploadEvent):
    """Emitted when the bytes did not arrive in time: the reservation is released, and what was sent is deleted."""


class UploadAborted(UploadEvent):
    """Emitted when the client cancelled the upload, or its bytes were refused for good."""

    reason: str


class UploadStalled(UploadEvent):
    """Emitted when services have not acknowledged a completed upload in time."""

    file_id: str
    missing: tuple[str, ...]
    """The services that have not acknowledged it: quota, indexer, media, notify."""


def slice_upload_id(pack_id: str, number: int) -> str:
    """Return metadata's upload id of a file in a pack. Quota ignores the dash and what follows."""
    return f"{pack_id}-{number}"


class PackEvent(Event, topic="uploads", owner="upload", key="pack_id", abstract=True):
    """Facts of a pack from its initiation on: many small files of one account, sent as one object.

    Sizes in bytes.
    """

    pack_id: str
    account_id: str
    path: str
    """The common folder of its files; the path of a single one."""
    files: int
    size: int


class PackInitiated(PackEvent):
    """Emitted when quota is reserved for the files of a pack and the client may send it."""

    expires_at: datetime


class PackCompleted(PackEvent):
    """Emitted when a pack's files are verified and committed, each as a version of its own."""

    refused: tuple[int, ...] = ()
    """Numbers of the files that were refused, because they are not as declared or by the tree."""
    refused_size: int = 0
    """Bytes of the refused files, which need no room any more."""
    conflicted: int = 0
    """Commits that were too late and became conflicted copies."""
    completed_by: Literal["client", "workflow"] = "client"
    notify_uploader: bool = True
    """False if the client that uploaded it shows this itself."""


class EndedPackEvent(PackEvent, abstract=True):
    """An expired or aborted pack, whose reservation is released."""

    numbers: tuple[int, ...]
    """Numbers of its files."""


class PackExpired(EndedPackEvent):
    """Emitted when a pack did not arrive in time."""


class PackAborted(EndedPackEvent):
    """Emitted when the client cancelled a pack, or what was sent is not a pack."""

    reason: str


class PackStalled(PackEvent):
    """Emitted when services have not acknowledged a completed pack in time."""

    missing: tuple[str, ...]
    """The services that have not acknowledged it: quota, indexer, media, notify."""
