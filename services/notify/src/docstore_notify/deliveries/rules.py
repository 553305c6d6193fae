"""How an attempt to deliver ends, how long to wait after it, and what the delivery log shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from docstore_notify.domain import Kind, State

FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=15)
LONGEST_ASKED_WAIT = timedelta(hours=1)
"""A receiver may ask to be left alone for so long."""


def retry_after(attempts: int, asked: float | None = None) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, up to a quarter of an hour; longer if asked."""
    doublings = max(min(attempts - 1, 20), 0)
    wait = min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
    return max(wait, min(timedelta(seconds=asked), LONGEST_ASKED_WAIT)) if asked else wait


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended."""

    outcome: Literal["sent", "refused", "gone", "void", "not_now", "not_asked"]
    """`gone`: the receiver refuses all messages; `void`: the right to read has ended; `not_now`: may be tried
    again; `not_asked`: may be tried again, the receiver was not called."""
    detail: str = ""
    status: int | None = None
    retry_after: float | None = None

    @property
    def final(self) -> bool:
        return self.outcome not in ("not_now", "not_asked")


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    at: datetime
    status: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class DeliveryLogEntry:
    """One delivery in the log of a subscription."""

    id: str
    kind: Kind
    state: State
    created_at: datetime
    attempts: int
    tries: tuple[LoggedAttempt, ...]
    """The last of them."""
    event_ids: tuple[str, ...]
    next_at: datetime | None
    error: str
    """Why it failed without an attempt."""
