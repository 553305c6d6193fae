"""The lifecycle of transfers: states, refusals, times of checks. Sizes in bytes, times in seconds.

A transfer is a single upload or a pack: bytes that a client sends to the object store and that become versions.

    initiated -> uploading -> committing -> completed
        |            |            |
        +------------+------------+-> aborted (by the client, or refused for good)
        +------------+--------------> expired (the bytes never came)

`committing` is claimed before metadata is asked to commit. From then on it can't expire or be aborted, so its
object is never deleted during a commit. A later caller asks metadata again, which returns the same result.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from docstore_platform.errors import Conflict, DomainError
from docstore_work.backoff import backoff

State = Literal["initiated", "uploading", "committing", "completed", "expired", "aborted"]
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
HASHED_AT_ONCE_BYTES = MIB
"""Size up to which contents are hashed on the event loop: a millisecond, and less than a change of threads may take."""
MAX_SIZE = 5 * TIB
"""S3's limit for an object."""
RETRY_AFTER_SECONDS = 5
"""Retry-After of a response given while bytes are being verified."""


class Incomplete(Conflict):
    """Not all bytes have arrived yet."""

    code = "upload_incomplete"

    def __init__(self, detail: str = "The bytes have not all arrived yet.") -> None:
        super().__init__(detail)


class Mismatch(Conflict):
    """What was sent is not what was declared; the transfer ends."""

    code = "upload_mismatch"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a transfer counts as in metrics."""

    method: str
    files: int
    size: int


class Uploader(Protocol):
    """The caller of an upload."""

    @property
    def folder_id(self) -> str:
        """Folder that its API token is limited to; empty: none."""


@dataclass(frozen=True, kw_only=True)
class Transfer(ABC):
    """The stored state common to all transfers."""

    id: str
    account_id: str
    """Account of the uploader."""
    folder_id: str = ""
    """Folder that the uploader's API token is limited to; empty: none."""
    device: str
    path: str
    """Target path as metadata resolved it and as the uploader sees it; for people and events."""
    state: State
    revision: int
    """Number of events published about it."""
    created_at: datetime
    expires_at: datetime
    next_check_at: datetime | None = None
    """When the worker checks it next; None if nothing is left to do."""
    initiated_event: Mapping[str, Any] | None = None
    """Outbox row of its first event, until the next transaction about it publishes the event."""
    attempts: int = 0
    """Checks so far, including the one under way: for the object, then, once completed, for acknowledgements."""
    lease_owner: str | None = None
    """Token of the worker that checks it."""
    completed_by: Actor | None = None
    completed_at: datetime | None = None
    completed_event_id: str | None = None
    refusal: DomainError | None = None
    """Why it was aborted, unless its client aborted it; every later `complete` returns it."""
    settled: bool | None = None
    """Whether every consumer has acknowledged it."""
    missing: tuple[str, ...] = ()
    """Services that have not acknowledged it in time: it is stalled."""

    @property
    @abstractmethod
    def measure(self) -> Measure: ...

    @property
    @abstractmethod
    def result(self) -> Any:
        """The response to its completion; None while it is unknown, or once it is forgotten."""

    @property
    @abstractmethod
    def file_events(self) -> Sequence[str]:
        """Ids of the events that metadata has published about its files."""

    def is_of(self, caller: Uploader) -> bool:
        """Whether the caller, of the same account, may know of it: a limited token only what it has begun itself."""
        return not caller.folder_id or caller.folder_id == self.folder_id

    @property
    def has_bounded_urls(self) -> bool:
        """Whether its instructions bound how much can be sent."""
        return True

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_over(self) -> bool:
        """Whether only clean-up is left to do."""
        return self.state in ENDED or bool(self.settled)

    @property
    def public_state(self) -> str:
        return "uploading" if self.state == "committing" else self.state

    @property
    def usable_until(self) -> datetime:
        """Moment after which none of its instructions works any more."""
        return self.expires_at

    @property
    def final_refusal(self) -> DomainError | None:
        """Why it can't be completed any more, if so."""
        if self.state == "expired":
            return Conflict("This upload has expired. Start a new one.", code="upload_expired")
        if self.state != "aborted":
            return None
        given_up = Conflict("This upload was cancelled. Start a new one.", code="upload_aborted")
        return self.refusal or given_up

    def first_check_at(self, seconds: float) -> datetime:
        """When to check for its bytes first."""
        return min(self.created_at + timedelta(seconds=seconds), self.expires_at)

    def last_sweep_at(self, now: datetime, seconds: float) -> datetime:
        """When the last deletion of its bytes is due: a request begun in time may store until then."""
        return max(self.usable_until, now) + timedelta(seconds=seconds)

    def next_check(self, now: datetime, *, first: float, longest: float) -> datetime:
        """When to check again for bytes that have not arrived; never later than the end."""
        pause = backoff(self.attempts + 1, first=first, longest=longest if self.has_bounded_urls else first)
        planned = now + timedelta(seconds=pause)
        return min(planned, self.expires_at) if self.expires_at > now else planned
