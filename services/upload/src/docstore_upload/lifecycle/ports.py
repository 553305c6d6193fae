"""What the lifecycle needs of a repository, and what each kind of transfer does in its own way."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from prometheus_client import Gauge

from docstore_contracts.metadata import CommitItem, CommitResult
from docstore_events.event import Event
from docstore_platform.errors import DomainError
from docstore_platform.mongo import Session
from docstore_upload.lifecycle.rules import Actor, State, Transfer

T = TypeVar("T", bound=Transfer)
Fields = Mapping[str, Any]
"""Fields of a transfer to be stored, by name."""
ClaimInTransaction = Callable[[Session], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Claim:
    """A verified transfer that is about to be committed."""

    id: str
    by: Actor
    found: Fields
    """What was found that the transfer does not have yet."""
    within: Callable[[ClaimInTransaction], Awaitable[bool]] | None = None
    """Makes the claim in a transaction that writes more, all or nothing. If it raises a DomainError, it stays open."""


@dataclass(frozen=True, slots=True)
class Commit(Generic[T]):
    """What metadata has made of a transfer: fields to store, and the event to publish with that."""

    fields: Fields
    event: Callable[[T], Event]


@dataclass(frozen=True, slots=True)
class Completion:
    """A committed transfer: fields to store and the event published about it."""

    id: str
    fields: Fields
    event_id: str


@dataclass(frozen=True, slots=True)
class Recheck(Generic[T]):
    """When to look again at a transfer that is still as it was seen; None: never again."""

    transfer: T
    at: datetime | None
    changes: Fields = field(default_factory=dict)
    """What to store with that; None drops a field."""


class Transfers(Protocol[T]):
    """Where transfers of one kind are kept. Each method is one conditional write: of two, one wins."""

    async def insert(self, transfers: Sequence[T], session: Session) -> None: ...

    async def of_account(self, account_id: str, ids: Sequence[str]) -> dict[str, T]:
        """Those of `ids` that this account began."""
        ...

    async def by_ids(self, ids: Sequence[str], session: Session = None) -> dict[str, T]: ...

    async def claim(self, claims: Sequence[Claim], retry_at: datetime, session: Session = None) -> bool:
        """Open ones become committing, due at `retry_at`; others stay as they are. Whether all were open."""
        ...

    async def complete(
        self, completions: Sequence[Completion], now: datetime, check_at: datetime, session: Session
    ) -> None:
        """Those that the same transaction has read as committing become completed."""
        ...

    async def amend(self, transfer_id: str, fields: Fields, session: Session) -> None:
        """Store more of what has become of one that the same transaction has read as completed."""
        ...

    async def end(
        self, ids: Sequence[str], state: State, refusal: DomainError | None, now: datetime, session: Session
    ) -> None:
        """Those that the same transaction has read as not yet ended become so; clean-up is due at once."""
        ...

    async def claim_due(self, limit: int) -> list[T]:
        """Up to `limit` that are due, for this caller alone until its lease ends; then they are due again."""
        ...

    async def recheck(self, rechecks: Sequence[Recheck[T]]) -> None:
        """Plan the next look at those that are still held by their claim."""
        ...

    async def mark_stalled(self, missing: Mapping[str, Sequence[str]], session: Session) -> None:
        """By id, the services that did not react; the revision counts the stalled event."""
        ...

    async def count_stalled(self) -> int: ...


class Kind(ABC, Generic[T]):
    """What one kind of transfer does in its own way."""

    noun: str
    batch: int
    """How many the worker takes at once."""
    at_once: int
    """How many of these it completes together."""
    completed_event: type[Event]
    stalled_gauge: Gauge

    @abstractmethod
    async def verify(self, transfer: T, manifest: object, by: Actor) -> Claim:
        """What is stored is what was declared; else raises Mismatch, or why that can't be said yet.

        `manifest`: what the client declares to have sent, if it does.
        """

    @abstractmethod
    def commit_items(self, transfer: T, uploaded_at: datetime) -> list[CommitItem]:
        """What metadata is asked to commit."""

    @abstractmethod
    def commit(self, transfer: T, results: Sequence[CommitResult]) -> Commit[T] | DomainError:
        """What these answers to its items, in order, have made of it, or why it comes to nothing."""

    def amendment(self, transfer: T, commit: Commit[T]) -> Fields:
        """What to store where a commit has more than the one by which `transfer` was completed."""
        return {}

    @abstractmethod
    def initiated(self, transfer: T) -> Event:
        """The first event of it."""

    @abstractmethod
    def ended(self, transfer: T, state: State, refusal: DomainError | None) -> Event:
        """The event that it came to nothing."""

    @abstractmethod
    def stalled(self, transfer: T, missing: tuple[str, ...]) -> Event:
        """The event that these services have not reacted in time."""

    @abstractmethod
    def settled(self, transfer: T) -> Recheck[T]:
        """What to store, and when to look next, once all has happened that follows from its completion."""

    async def clean(self, transfers: Sequence[T]) -> None:
        """Delete at once what those that have just ended or completed need no more; `sweep` does what this leaves."""
        return

    @abstractmethod
    async def sweep(self, transfers: Sequence[T]) -> None:
        """Clean up after those that are over, and plan the next look at them."""
