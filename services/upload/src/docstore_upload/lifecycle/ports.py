"""Repository interface of transfers, and the hooks that each kind of transfer implements."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from docstore_contracts.metadata import CommitItem, CommitResult
from docstore_events.catalogue.event import Event
from docstore_platform.errors import DomainError
from docstore_platform.mongodb.client import Session
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
    """Verified facts that the transfer does not have yet."""
    within: Callable[[ClaimInTransaction], Awaitable[bool]] | None = None
    """Makes the claim in a transaction that writes more. If it raises a DomainError, the transfer stays open."""


@dataclass(frozen=True, slots=True)
class Commit(Generic[T]):
    """Metadata's result for a transfer: fields to store and the event to publish."""

    fields: Fields
    event: Callable[[T], Event]


@dataclass(frozen=True, slots=True)
class Completion:
    """A committed transfer: fields to store and the events published about it."""

    id: str
    fields: Fields
    event_id: str
    initiated_id: str | None
    """Id of the event of its initiation, if that is published with it."""


class NotCommitting(Exception):
    """A transfer that was to be completed is not committing any more."""


@dataclass(frozen=True, slots=True)
class Recheck(Generic[T]):
    """The next check of a transfer, valid while it is as it was seen; None: never again."""

    transfer: T
    at: datetime | None
    changes: Fields = field(default_factory=dict)
    """Fields to store with it; None drops a field."""


class Transfers(Protocol[T]):
    """Repository of transfers of one kind. Each method is one conditional write: of two concurrent ones, one wins."""

    async def insert(self, transfers: Sequence[T]) -> None:
        """Store new ones; after a failure some may be stored."""

    async def of_account(self, account_id: str, ids: Sequence[str]) -> dict[str, T]:
        """Return those of `ids` that belong to this account."""

    async def recent_or_stored(self, account_id: str, ids: Sequence[str]) -> dict[str, T]:
        """Return the same for their completion; those that this process has just inserted are not read again.

        They may have changed since: each write checks the state.
        """

    async def by_ids(self, ids: Sequence[str], session: Session = None) -> dict[str, T]: ...

    async def claim(self, claims: Sequence[Claim], retry_at: datetime, session: Session = None) -> bool:
        """Make open ones committing, due at `retry_at`; leave others as they are. Returns whether all were open."""

    async def complete(
        self, completions: Sequence[Completion], now: datetime, check_at: datetime, session: Session
    ) -> None:
        """Make committing transfers completed; NotCommitting if one is in another state, or the event of its initiation
        is published already: the transaction must end."""

    async def amend(self, transfer_id: str, fields: Fields, session: Session) -> None:
        """Add fields to a transfer that the same transaction has read as completed."""

    async def end(
        self, ids: Sequence[str], state: State, refusal: DomainError | None, now: datetime, session: Session
    ) -> None:
        """End transfers that the same transaction has read as not ended; their clean-up is due at once."""

    async def drop_initiated_events(self, ids: Sequence[str], session: Session) -> None:
        """Remove the events of their initiation, which the same transaction publishes."""

    async def claim_due(self, limit: int) -> list[T]:
        """Lease up to `limit` due transfers."""

    async def recheck(self, rechecks: Sequence[Recheck[T]]) -> None:
        """Schedule the next check of those that their claim still holds."""

    async def mark_stalled(self, missing: Mapping[str, Sequence[str]], session: Session) -> None:
        """Store by id the services that have not acknowledged; the revision counts the stalled event."""

    async def count_stalled(self) -> int: ...


class Kind(ABC, Generic[T]):
    """Behaviour of one kind of transfer."""

    noun: str
    batch: int
    """How many transfers the worker takes at once."""
    at_once: int
    """How many of them it completes together."""
    completed_event: type[Event]

    @abstractmethod
    async def put(self, transfer: T, content: bytes) -> None:
        """Store its object, as its client would; ObjectStoreError."""

    @abstractmethod
    async def verify(self, transfer: T, manifest: object, by: Actor) -> Claim:
        """Verify that the stored object is as declared; else raise Mismatch, or Unavailable while it is unknown.

        `manifest`: the client's list of what it has sent, if any; bytes that were just `put` need not be read again.
        """

    @abstractmethod
    def commit_items(self, transfer: T, uploaded_at: datetime) -> list[CommitItem]:
        """Return the items that metadata is asked to commit."""

    @abstractmethod
    def commit(self, transfer: T, results: Sequence[CommitResult]) -> Commit[T] | DomainError:
        """Return the outcome of metadata's results for its items, in order; an error if the transfer fails."""

    def amendment(self, transfer: T, commit: Commit[T]) -> Fields:
        """Return fields to add where a commit has more than the one that completed `transfer`."""
        return {}

    @abstractmethod
    def initiated(self, transfer: T) -> Event:
        """Return the event of its initiation."""

    @abstractmethod
    def ended(self, transfer: T, state: State, refusal: DomainError | None) -> Event:
        """Return the event of its expiry or abortion."""

    @abstractmethod
    def stalled(self, transfer: T, missing: tuple[str, ...]) -> Event:
        """Return the event that these services have not acknowledged it in time."""

    @abstractmethod
    def settled(self, transfer: T) -> Recheck[T]:
        """Return what to store, and when to check next, once every consumer has acknowledged it."""

    async def clean(self, transfers: Sequence[T]) -> None:
        """Delete at once what ended or completed transfers no longer need; `sweep` deletes the rest."""
        return

    @abstractmethod
    async def sweep(self, transfers: Sequence[T]) -> None:
        """Clean up after transfers that are over and schedule their next check."""
