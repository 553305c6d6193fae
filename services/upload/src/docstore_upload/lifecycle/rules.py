"""The lifecycle of uploads and packs: states, refusals, times to look again. Sizes in bytes, times in seconds.

    initiated -> uploading -> committing -> completed
        |            |            |
        +------------+------------+-> aborted (by the client, or refused for good)
        +------------+--------------> expired (the bytes never came)

`committing` is claimed before metadata is asked to commit. From then on the upload can't expire or be aborted, so
its object is never deleted behind a commit's back. Whoever finds it later asks metadata again, which answers the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

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
MAX_SIZE = 5 * TIB
"""S3's limit for an object."""
RETRY_AFTER_SECONDS = 5
"""Retry-After of a response given while bytes are being verified."""


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


def final_refusal(state: State, refusal: Refusal | None) -> Refusal | None:
    """Why what is in this state can't be completed any more, if so."""
    if state == "expired":
        return EXPIRED
    return (refusal or ABORTED) if state == "aborted" else None


def next_look(attempts: int, expires_at: datetime, now: datetime, *, first: float, longest: float) -> datetime:
    """When to look again for bytes that have not come after `attempts` looks; the end is not missed."""
    planned = now + timedelta(seconds=backoff(attempts + 1, first=first, longest=longest))
    return min(planned, expires_at) if expires_at > now else planned
