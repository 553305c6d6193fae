"""Rules of upload sessions: methods, sizes, parts, checks of stored objects. Sizes in bytes, times in seconds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from docstore_platform.domain.custom_metadata import MAX_PAIRS, check_metadata
from docstore_platform.errors import Invalid, invalid
from docstore_upload.lifecycle.rules import GIB, MAX_SIZE, MIB, Measure, Mismatch, OnConflict, Transfer
from docstore_work.backoff import backoff

Method = Literal["form", "put", "multipart", "credentials", "blocks"]
Pairs = tuple[tuple[str, str], ...]
"""Custom metadata: names and values."""
MAX_SINGLE_REQUEST = 5 * GIB
"""S3's limit for one PUT or POST."""
MAX_PARTS = 10_000
MIN_PART = 5 * MIB
"""S3's limit for a part that is not the last."""
SIGNED_TRIES = 10
"""How often as many bytes as an upload has may be signed, in parts whose sizes its client gives."""
MIN_CREDENTIALS_SECONDS = 900
"""STS issues no shorter session: credentials may outlive their upload by this much."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Size and checksum of an object as the store or a read found them, never as the client declared them."""

    size: int
    sha256: str
    object_name: str
    metadata: Pairs | None = None
    """Custom metadata, if it is the object's that counts."""

    @property
    def facts(self) -> dict[str, Any]:
        """What is stored in the session."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Upload(Transfer):
    """The stored upload session of one file."""

    owner_id: str
    """Account whose quota the bytes count against."""
    wanted_path: str | None = None
    file_id: str | None = None
    """As the client named it: a path or a file."""
    parent_id: str | None = None
    """The folder that the path starts from; None: the uploader's root."""
    create_folders: bool = True
    """Whether missing folders of the path are created."""
    size: int
    """Declared size; for an open size the most allowed, and the actual size once verified."""
    content_type: str
    sha256: str | None = None
    """Hex. As declared; once verified, the actual one."""
    base_version: int | None = None
    on_conflict: OnConflict
    tags: tuple[str, ...]
    metadata: Pairs | None = None
    """Custom metadata of the new version; None: the file keeps what it has."""
    metadata_fields: tuple[str, ...] | None = None
    """Names of custom metadata that are entered in the form."""
    method: Method
    multipart_id: str | None = None
    part_size: int | None = None
    client_modified_at: datetime | None = None
    """When the content was last changed, according to the client."""
    notify: bool = True
    """Whether to notify the uploader once it is complete."""
    link_id: str = ""
    """Link for editing by which a visitor sends it; empty: none."""
    lock_tokens: tuple[str, ...] = ()
    """Locks on the target that the client names as its own."""
    max_size: int | None = None
    """Most bytes of an open size. Only forms without script leave it open."""
    object_name: str = "content"
    """Name of the object that the version refers to; a copy has a name of its own."""
    found: tuple[str, "Verified"] | None = None
    """ETag and facts of what was sent, stored where finding out took long."""
    file: Mapping[str, Any] | None = None
    """The file as metadata returned it for the commit."""
    file_event_id: str | None = None

    @property
    def measure(self) -> Measure:
        return Measure(self.method, 1, self.size)

    @property
    def result(self) -> dict[str, Any] | None:
        # Files that earlier releases have stored have no custom metadata.
        return None if self.file is None else {"metadata": {}, **self.file}

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
        """Key where the client writes. A key that can be written again must not be the one that a version names."""
        return f"{self.incoming}content" if self.is_copied else self.object_key

    @property
    def incoming(self) -> str:
        """Prefix below which only clients write."""
        return f"{self.prefix}incoming/"

    @property
    def is_copied(self) -> bool:
        """Whether a copy is verified, because the instructions allow to write the original again."""
        return self.method in ("form", "credentials")

    @property
    def is_sent_by_put(self) -> bool:
        """Whether the client has a URL that could write a version's object again once it is deleted."""
        return self.method == "put"

    @property
    def known_size(self) -> int | None:
        """The size; None while it is unknown."""
        return self.size if self.max_size is None or self.state in ("committing", "completed") else None

    @property
    def may_have_strays(self) -> bool:
        """Whether its prefix may hold more objects than the committed one."""
        return self.is_copied or self.method == "blocks"

    @property
    def prefix(self) -> str:
        """Prefix of everything this upload may ever store."""
        return f"accounts/{self.owner_id}/uploads/{self.id}/"

    @property
    def usable_until(self) -> datetime:
        return usable_until(self.method, self.expires_at)

    @property
    def takes_metadata(self) -> bool:
        """Whether the client may set custom metadata at the object itself."""
        return self.metadata_fields is not None or (self.method == "credentials" and self.metadata is None)

    def declares(self, found: Verified) -> bool:
        """Whether the session already records what was found."""
        return found == Verified(self.size, self.sha256 or "", self.object_name)

    def next_sweep_at(
        self, now: datetime, seconds: float, *, first: float, longest: float, is_swept: bool
    ) -> datetime | None:
        """When to delete again what was sent to an upload that is over; None if nothing can arrive any more.

        `is_swept`: it was just deleted. A form or credentials can write as long as they work, so deletion repeats;
        `first`, `longest`: pauses between deletions.
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


def usable_until(method: Method, expires_at: datetime) -> datetime:
    """Return when the last instructions of an upload stop to work that is open until `expires_at`."""
    longest = MIN_CREDENTIALS_SECONDS if method == "credentials" else 0
    return expires_at + timedelta(seconds=longest)


def method_limit(method: Method) -> int:
    """Return the largest object this method can send."""
    return MAX_SINGLE_REQUEST if method in ("form", "put") else MAX_SIZE


def mismatch(upload: Upload, size: int, sha256: str | None) -> Mismatch | None:
    """Return how an object of this size and checksum differs from what was declared; None if it does not."""
    if upload.max_size is not None:
        if size > upload.max_size:
            detail = f"At most {upload.max_size} bytes were allowed, but {size} were sent."
            return Mismatch(detail)
    elif size != upload.size:
        detail = f"{upload.size} bytes were declared, but {size} were sent."
        return Mismatch(detail)
    if upload.sha256 is not None and sha256 is not None and sha256 != upload.sha256:
        return Mismatch("The SHA-256 of what was sent is not the one declared.")
    return None


def metadata_sent(upload: Upload, sent: Mapping[str, str]) -> Pairs | None:
    """Return the custom metadata of an upload that takes it, with what its object has; Mismatch if that is invalid.

    Of credentials, pairs that break a rule are left out: tools add some of their own.
    """
    if upload.metadata_fields is None:
        valid = [pair for name, value in sent.items() for pair in _valid_pair(name, value)]
        return tuple(valid[:MAX_PAIRS]) or None
    entered = {name: sent[name] for name in upload.metadata_fields if sent.get(name, "").strip()}
    try:
        return tuple(check_metadata(dict(upload.metadata or ()) | entered).items())
    except Invalid as error:
        raise Mismatch(error.detail, code=error.code) from None


def _valid_pair(name: str, value: str) -> Iterable[tuple[str, str]]:
    try:
        return check_metadata({name: value}).items()
    except Invalid:
        return ()


def part_size_for(size: int, smallest: int) -> int:
    """Return the size of each part but the last: whole MiB, at least `smallest`, so that S3's 10,000 parts suffice."""
    needed = -(-size // MAX_PARTS)
    return max(smallest, -(-needed // MIB) * MIB)


def part_count(size: int, part_size: int) -> int:
    """Return the number of parts; an empty object is one empty part."""
    return max(1, -(-size // part_size))


def part_length(size: int, part_size: int, number: int) -> int:
    """Return the bytes of part `number`, counted from 1."""
    return min(part_size, size - (number - 1) * part_size)


def parts_wanted(
    size: int, part_size: int, numbers: Sequence[int], sizes: Sequence[int] | None = None
) -> dict[int, int]:
    """Return the bytes of these parts by number: as given, else all but the last of `part_size`. Invalid
    `invalid_parts` if they can't be parts of `size` bytes."""
    if sizes is None:
        count = part_count(size, part_size)
        if any(number > count for number in numbers):
            raise invalid(f"This upload has parts 1 to {count}.", "invalid_parts")
        return {number: part_length(size, part_size, number) for number in numbers}
    if len(sizes) != len(numbers) or sum(sizes) > size:
        raise invalid(f"Give each part its size; the upload has {size} bytes.", "invalid_parts")
    return dict(zip(numbers, sizes, strict=True))


def most_signed_bytes(size: int) -> int:
    """Return how many bytes may be signed for an upload of `size` bytes in parts whose sizes its client gives.

    Each call could name other parts, as long as the upload. Clients have a part signed again after a failure.
    """
    return SIGNED_TRIES * size + MIB


def are_whole(size: int, parts: Mapping[int, int]) -> bool:
    """Whether parts, by number, are all of a content of `size` bytes."""
    return sum(parts.values()) == size and sorted(parts) == list(range(1, len(parts) + 1)) and bool(parts)
