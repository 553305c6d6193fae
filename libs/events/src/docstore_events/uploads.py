"""Events of uploads."""

from datetime import datetime
from typing import Literal

from docstore_events.event import Event

UploadMethod = Literal["form", "put", "multipart", "credentials", "blocks"]


class UploadEvent(Event, topic="uploads", owner="upload", abstract=True):
    """What is known of an upload from its beginning on. Sizes in bytes.

    For a form that left its size open, `size` is the maximum until upload-completed contains the actual size.
    """

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
    notify_uploader: bool = True
    """False: the client that uploaded it has shown this already."""


class UploadExpired(UploadEvent):
    """Emitted when the bytes never came: the reservation ends and what was sent is removed."""


class UploadAborted(UploadEvent):
    """Emitted when the client gave the upload up, or its bytes were refused for good."""

    reason: str


class UploadStalled(UploadEvent):
    """Emitted when something that must follow a completed upload has not happened in time."""

    file_id: str
    missing: tuple[str, ...]
    """The services that have not reacted: quota, indexer, media, notify."""


def slice_upload_id(pack_id: str, number: int) -> str:
    """What a file in a pack is to metadata: an upload of its own. To quota, what is before the dash is one upload."""
    return f"{pack_id}-{number}"


class PackEvent(Event, topic="uploads", owner="upload", abstract=True):
    """What is known from its beginning on of a pack: many small files, all of one account, sent as one object.

    Sizes in bytes.
    """

    pack_id: str
    account_id: str
    path: str
    """The folder below which all of them go; the path of a single one."""
    files: int
    size: int

    def key(self) -> str:
        return self.pack_id


class PackInitiated(PackEvent):
    """Emitted when quota is reserved for the files of a pack and the client may send it."""

    expires_at: datetime


class PackCompleted(PackEvent):
    """Emitted when a pack's files are verified and committed, each as a version of its own."""

    refused: tuple[int, ...] = ()
    """Numbers of files that came to nothing: not what was declared, or refused by the tree."""
    refused_size: int = 0
    """Bytes of theirs, for which no room is needed any more."""
    conflicted: int = 0
    """Commits that were late: they became conflicted copies."""
    completed_by: Literal["client", "workflow"] = "client"


class EndedPackEvent(PackEvent, abstract=True):
    """A pack that came to nothing: its reservation ends."""

    numbers: tuple[int, ...]
    """Of its files."""


class PackExpired(EndedPackEvent):
    """Emitted when a pack never came."""


class PackAborted(EndedPackEvent):
    """Emitted when the client gave a pack up, or what was sent is none."""

    reason: str


class PackStalled(PackEvent):
    """Emitted when something that must follow a completed pack has not happened in time."""

    missing: tuple[str, ...]
    """The services that have not reacted: quota, indexer, media, notify."""
