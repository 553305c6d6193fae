"""The rules of uploads: states, sizes, parts, what a stored object must be. Sizes in bytes, times in seconds.

The states and what leads from one to the next:

    initiated -> uploading -> committing -> completed
        |            |            |
        +------------+------------+-> aborted (given up, or refused for good)
        +------------+--------------> expired (never came)

`committing` is claimed before metadata is asked to commit. From then on the upload can't expire or be given up, so
its object is never deleted behind a commit's back; who finds it later asks metadata again, which answers the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

State = Literal["initiated", "uploading", "committing", "completed", "expired", "aborted"]
Method = Literal["form", "put", "multipart", "credentials", "blocks"]
OnConflict = Literal["copy", "fail"]
Actor = Literal["client", "workflow"]

OPEN: tuple[State, ...] = ("initiated", "uploading")
COMMITTING: tuple[State, ...] = ("committing",)
ENDED: tuple[State, ...] = ("expired", "aborted")
MAY_BECOME: Mapping[State, tuple[State, ...]] = {
    "initiated": ("uploading", "committing", "expired", "aborted"),
    "uploading": ("committing", "expired", "aborted"),
    "committing": ("completed", "aborted"),
    "completed": (),
    "expired": (),
    "aborted": (),
}

MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40
MAX_SIZE = 5 * TIB
"""S3's limit for an object."""
MAX_SINGLE_REQUEST = 5 * GIB
"""S3's limit for one PUT or POST."""
MAX_PARTS = 10_000
MIN_CREDENTIALS_SECONDS = 900
"""STS gives no shorter session: credentials may outlive their upload by this much."""
RETRY_AFTER_SECONDS = 5
"""Who asks while bytes are being verified is told to ask again after this."""

_TOKEN = r"[A-Za-z0-9!#$&^_.+-]{1,100}"
CONTENT_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(; ?{_TOKEN}=[A-Za-z0-9_.+/:\"-]{{1,100}}){{0,4}}")
SHA256 = re.compile(r"[0-9a-f]{64}", re.A)
DEFAULT_CONTENT_TYPE = "application/octet-stream"
OFFICE = "application/vnd.openxmlformats-officedocument"
CONTENT_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "docx": f"{OFFICE}.wordprocessingml.document",
    "eml": "message/rfc822",
    "gif": "image/gif",
    "htm": "text/html",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "md": "text/markdown",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": "application/pdf",
    "png": "image/png",
    "pptx": f"{OFFICE}.presentationml.presentation",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "webp": "image/webp",
    "xlsx": f"{OFFICE}.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an upload came to nothing: what every later `complete` of it answers."""

    status: int
    code: str
    detail: str


INCOMPLETE = Refusal(409, "upload_incomplete", "The bytes have not all arrived yet.")
EXPIRED = Refusal(409, "upload_expired", "This upload has expired; begin a new one.")
TARGET_GONE = Refusal(
    409, "target_gone", "Where this upload was to go is gone, or not shared with you any more. Nothing was stored."
)
ABORTED = Refusal(409, "upload_aborted", "This upload was given up; begin a new one.")


@dataclass(frozen=True, slots=True)
class Pauses:
    """Between looks, in seconds: doubling from the first to the longest."""

    first: float
    longest: float


@dataclass(frozen=True, slots=True)
class Verified:
    """What an object is: found by the store or by reading it, never said by the client."""

    size: int
    sha256: str
    object_name: str


@dataclass(frozen=True)
class Upload:
    """An upload session, as it is stored."""

    id: str
    account_id: str
    """Who uploads."""
    owner_id: str
    """Whose quota the bytes count against."""
    device: str
    path: str
    """Where it goes, as metadata resolved it and as who uploads sees it; for people and events."""
    wanted_path: str | None
    file_id: str | None
    """What the client named: a path or a file."""
    parent_id: str | None
    """The folder that the path starts from; None: the root of who uploads."""
    size: int
    """As declared. Where that was left open: the most it may be; from the verification on, as found."""
    content_type: str
    sha256: str | None
    """Hex. As declared; from the verification on, as found."""
    base_version: int | None
    on_conflict: OnConflict
    tags: tuple[str, ...]
    method: Method
    multipart_id: str | None
    part_size: int | None
    state: State
    revision: int
    """Number of events said about this upload."""
    created_at: datetime
    expires_at: datetime
    next_check_at: datetime | None
    """When the workflow looks at it next; None once there is nothing left to do."""
    client_modified_at: datetime | None = None
    """When the client says that the content was last changed."""
    notify: bool = True
    """Whether the uploader is notified once it is complete."""
    max_size: int | None = None
    """Bytes up to which the size was left open: nobody who runs a script would do so."""
    attempts: int = 0
    """Looks so far: for the object, then, once completed, for what must follow."""
    object_name: str = "content"
    """Of the object that the version names; a copy has a name of its own."""
    found: tuple[str, "Verified"] | None = None
    """ETag of what was sent and what it is, noted where finding out took long."""
    completed_by: Actor | None = None
    completed_at: datetime | None = None
    file: Mapping[str, Any] | None = None
    """The file as metadata answered the commit."""
    file_event_id: str | None = None
    completed_event_id: str | None = None
    refusal: Refusal | None = None
    settled: bool | None = None
    """Whether all has happened that follows from its completion."""
    missing: tuple[str, ...] = ()
    """Services that did not react in time: the upload is stalled."""

    @property
    def object_key(self) -> str:
        return f"{self.prefix}{self.object_name}"

    @property
    def sent_key(self) -> str:
        """Where the client writes. Who can write a key again later must not write the one that a version names."""
        return f"{self.incoming}content" if self.is_copied else self.object_key

    @property
    def incoming(self) -> str:
        """Only clients write below this prefix."""
        return f"{self.prefix}incoming/"

    @property
    def is_copied(self) -> bool:
        """Whether the bytes are verified in a copy: the means allow to write them again after that."""
        return self.method in ("form", "credentials")

    @property
    def is_sent_by_put(self) -> bool:
        """Whether the client has a URL by which the object of a version can be written anew once that is gone."""
        return self.method == "put"

    @property
    def known_size(self) -> int | None:
        """None as long as nobody can tell."""
        return self.size if self.max_size is None or self.state in ("committing", "completed") else None

    @property
    def may_have_strays(self) -> bool:
        """Whether more objects than the one that is committed may lie under its prefix."""
        return self.is_copied or self.method == "blocks"

    @property
    def prefix(self) -> str:
        """Everything this upload may ever store is under it."""
        return f"accounts/{self.owner_id}/uploads/{self.id}/"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def public_state(self) -> str:
        return "uploading" if self.state == "committing" else self.state

    @property
    def usable_until(self) -> datetime:
        """After this no URL, form or credentials of this upload work any more."""
        longest = MIN_CREDENTIALS_SECONDS if self.method == "credentials" else 0
        return self.expires_at + timedelta(seconds=longest)

    def declares(self, found: Verified) -> bool:
        """Whether the session says already all that was found."""
        return found == Verified(self.size, self.sha256 or "", self.object_name)

    def last_sweep_at(self, now: datetime, seconds: float) -> datetime:
        """When the last deletion of what was sent is due: bytes of a request begun in time may arrive until then."""
        return max(self.usable_until, now) + timedelta(seconds=seconds)

    def next_sweep_at(self, now: datetime, pauses: Pauses, seconds: float, *, is_swept: bool) -> datetime | None:
        """When to delete again what was sent to an upload that is over; None if nothing can come any more.

        Whoever has a form or credentials may write as long as these work, so that one looks every once in a while.
        """
        if self.state == "completed" and not self.may_have_strays:
            return None
        last = self.last_sweep_at(now, seconds)
        if not self.is_copied:
            return None if is_swept else last
        if is_swept and now >= self.usable_until + timedelta(seconds=seconds):
            return None
        return min(now + timedelta(seconds=backoff(self.attempts + 1, pauses.first, pauses.longest)), last)

    def final_refusal(self) -> Refusal | None:
        """Why it can't be completed any more, if so."""
        return final_refusal(self.state, self.refusal)


def final_refusal(state: State, refusal: Refusal | None) -> Refusal | None:
    """Why what is in this state can't be completed any more, if so."""
    if state == "expired":
        return EXPIRED
    return (refusal or ABORTED) if state == "aborted" else None


def method_limit(method: Method) -> int:
    """The largest object this method can send."""
    return MAX_SINGLE_REQUEST if method in ("form", "put") else MAX_SIZE


def mismatch(upload: Upload, size: int, sha256: str | None) -> Refusal | None:
    """Why an object of this size and checksum is not what was declared; None if it is."""
    if upload.max_size is not None:
        if size > upload.max_size:
            detail = f"At most {upload.max_size} bytes were allowed, {size} were sent."
            return Refusal(409, "upload_mismatch", detail)
    elif size != upload.size:
        detail = f"{upload.size} bytes were declared, {size} were sent."
        return Refusal(409, "upload_mismatch", detail)
    if upload.sha256 is not None and sha256 is not None and sha256 != upload.sha256:
        return Refusal(409, "upload_mismatch", "The SHA-256 of what was sent is not the one declared.")
    return None


def content_type_of(path: str) -> str:
    """The type that a file of this name most likely has."""
    name = path.rpartition("/")[2]
    stem, _, extension = name.rpartition(".")
    return CONTENT_TYPES.get(extension.lower(), DEFAULT_CONTENT_TYPE) if stem else DEFAULT_CONTENT_TYPE


def part_size_for(size: int, smallest: int) -> int:
    """Bytes of each part but the last: whole MiB, at least `smallest`, so that S3's 10,000 parts are enough."""
    needed = -(-size // MAX_PARTS)
    return max(smallest, -(-needed // MIB) * MIB)


def part_count(size: int, part_size: int) -> int:
    """An empty object is one empty part."""
    return max(1, -(-size // part_size))


def part_length(size: int, part_size: int, number: int) -> int:
    """Bytes of part `number`, counted from 1."""
    return min(part_size, size - (number - 1) * part_size)


def backoff(attempts: int, first: float, longest: float) -> float:
    """Pause before the next look after `attempts` looks: doubling, bounded."""
    return min(first * 2.0 ** min(attempts, 40), longest)


def next_look(attempts: int, expires_at: datetime, now: datetime, *, first: float, longest: float) -> datetime:
    """When to look again for bytes that have not come: later each time, but not missing the end."""
    planned = now + timedelta(seconds=backoff(attempts + 1, first, longest))
    return min(planned, expires_at) if expires_at > now else planned
