"""Outcomes of delivery attempts, retry delays, and the delivery log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from docstore_notify.domain import Kind, State

FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=15)
MAX_RETRY_AFTER = timedelta(hours=1)
"""Longest Retry-After that is honoured."""


def retry_after(attempts: int, asked: float | None = None) -> timedelta:
    """Return the delay after so many attempts: doubled each time up to 15 minutes; longer if asked."""
    doublings = max(min(attempts - 1, 20), 0)
    wait = min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
    return max(wait, min(timedelta(seconds=asked), MAX_RETRY_AFTER)) if asked else wait


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """Result of an attempt."""

    outcome: Literal["sent", "refused", "gone", "void", "not_now", "not_asked"]
    """`gone`: the receiver refuses all messages; `void`: the right to read has ended; `not_now`: to be retried;
    `not_asked`: to be retried, the receiver was not called."""
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
    """The last attempts."""
    event_ids: tuple[str, ...]
    next_at: datetime | None
    error: str
    """Why it failed without an attempt."""
