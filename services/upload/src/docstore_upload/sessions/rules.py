"""Rules of upload sessions: methods, sizes, parts, what a stored object must be. Sizes in bytes, times in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from docstore_upload.lifecycle.rules import GIB, MAX_SIZE, MIB, Measure, Mismatch, OnConflict, Transfer
from docstore_work.backoff import backoff

Method = Literal["form", "put", "multipart", "credentials", "blocks"]
MAX_SINGLE_REQUEST = 5 * GIB
"""S3's limit for one PUT or POST."""
MAX_PARTS = 10_000
MIN_CREDENTIALS_SECONDS = 900
"""STS gives no shorter session: credentials may outlive their upload by this much."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What an object is: found by the store or by reading it, never taken from the client."""

    size: int
    sha256: str
    object_name: str


@dataclass(frozen=True, kw_only=True)
class Upload(Transfer):
    """An upload session of one file, as it is stored."""

    owner_id: str
    """Whose quota the bytes count against."""
    wanted_path: str | None = None
    file_id: str | None = None
    """What the client named: a path or a file."""
    parent_id: str | None = None
    """The folder that the path starts from; None: the root of who uploads."""
    size: int
    """As declared. Where that was left open: the most it may be; from the verification on, as found."""
    content_type: str
    sha256: str | None = None
    """Hex. As declared; from the verification on, as found."""
    base_version: int | None = None
    on_conflict: OnConflict
    tags: tuple[str, ...]
    method: Method
    multipart_id: str | None = None
    part_size: int | None = None
    client_modified_at: datetime | None = None
    """When the content was last changed, according to the client."""
    notify: bool = True
    """Whether the uploader is notified once it is complete."""
    max_size: int | None = None
    """Bytes up to which the size was left open: nobody who runs a script would do so."""
    object_name: str = "content"
    """Of the object that the version names; a copy has a name of its own."""
    found: tuple[str, "Verified"] | None = None
    """ETag of what was sent and what it is, noted where finding out took long."""
    file: Mapping[str, Any] | None = None
    """The file as metadata answered the commit."""
    file_event_id: str | None = None

    @property
    def measure(self) -> Measure:
        return Measure(self.method, 1, self.size)

    @property
    def result(self) -> dict[str, Any] | None:
        return None if self.file is None else dict(self.file)

    @property
    def file_events(self) -> tuple[str, ...]:
        return (self.file_event_id or "",)

    @property
    def has_bounded_urls(self) -> bool:
        return self.method != "credentials"

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
        """Whether the bytes are verified in a copy: the instructions allow to write them again after that."""
        return self.method in ("form", "credentials")

    @property
    def is_sent_by_put(self) -> bool:
        """Whether the client has a URL by which the object of a version can be written anew once that is gone."""
        return self.method == "put"

    @property
    def known_size(self) -> int | None:
        """None while it is unknown."""
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
    def usable_until(self) -> datetime:
        longest = MIN_CREDENTIALS_SECONDS if self.method == "credentials" else 0
        return self.expires_at + timedelta(seconds=longest)

    def declares(self, found: Verified) -> bool:
        """Whether the session already has what was found."""
        return found == Verified(self.size, self.sha256 or "", self.object_name)

    def next_sweep_at(
        self, now: datetime, seconds: float, *, first: float, longest: float, is_swept: bool
    ) -> datetime | None:
        """When to delete again what was sent to an upload that is over; None if nothing can come any more.

        `is_swept`: it was just deleted. Whoever has a form or credentials may write as long as these work, so that one
        looks every once in a while; `first`, `longest`: pauses between that.
        """
        if self.state == "completed" and not self.may_have_strays:
            return None
        if is_swept and now >= self.usable_until + timedelta(seconds=seconds):
            return None
        last = self.last_sweep_at(now, seconds)
        if not self.is_copied:
            return last
        pause = backoff(self.attempts + 1, first=first, longest=longest)
        return min(now + timedelta(seconds=pause), last)


def method_limit(method: Method) -> int:
    """The largest object this method can send."""
    return MAX_SINGLE_REQUEST if method in ("form", "put") else MAX_SIZE


def mismatch(upload: Upload, size: int, sha256: str | None) -> Mismatch | None:
    """Why an object of this size and checksum is not what was declared; None if it is."""
    if upload.max_size is not None:
        if size > upload.max_size:
            detail = f"At most {upload.max_size} bytes were allowed, {size} were sent."
            return Mismatch(detail)
    elif size != upload.size:
        detail = f"{upload.size} bytes were declared, {size} were sent."
        return Mismatch(detail)
    if upload.sha256 is not None and sha256 is not None and sha256 != upload.sha256:
        return Mismatch("The SHA-256 of what was sent is not the one declared.")
    return None


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
