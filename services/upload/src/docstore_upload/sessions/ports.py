"""What the use cases of upload sessions need of their repository."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from docstore_platform.mongo import (
    Document,
    Session,
)
from docstore_upload.blocks.rules import References
from docstore_upload.lifecycle.rules import Actor, Refusal, State
from docstore_upload.sessions.rules import Upload, Verified


@dataclass(frozen=True, slots=True)
class Claim:
    """A verified upload that is about to be committed."""

    id: str
    verified: Verified
    completed_by: Actor
    references: References | None = None
    """To the blocks of a content in blocks: taken with the claim, or neither is."""
    as_declared: bool = False
    """Whether the session already has what was found."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A committed upload: the file as metadata answers it and the events published for it."""

    id: str
    file: Document
    file_event_id: str
    completed_event_id: str


@dataclass(frozen=True, slots=True)
class Recheck:
    """When to look again at an upload that is still as it was seen; None: never again."""

    upload: Upload
    at: datetime | None
    attempts: int | None = None
    """Looks to count from; None: as they are."""


class Uploads(Protocol):
    """Where upload sessions are kept."""

    async def insert(self, uploads: Sequence[Upload], session: Session) -> None: ...

    async def of_account(self, account_id: str, ids: Sequence[str]) -> dict[str, Upload]:
        """Those of `ids` that this account began."""
        ...

    async def by_ids(self, ids: Sequence[str], session: Session = None) -> dict[str, Upload]: ...

    async def page(self, account_id: str, before: str | None, limit: int, state: State | None) -> list[Upload]:
        """Newest first, those begun before `before`."""
        ...

    async def open_in_blocks(self, account_id: str) -> int:
        """Bytes of the open uploads in blocks that this account began."""
        ...

    async def given_up_bytes(self, account_id: str, now: datetime) -> int:
        """Bytes of this account's forms and credentials that were given up and still work.

        Credentials whose upload was refused count for more: nobody knows how much they write.
        """
        ...

    async def mark_uploading(self, upload_id: str) -> None:
        """Bytes have begun to arrive."""
        ...

    async def note_found(self, upload_id: str, etag: str, verified: Verified) -> None:
        """Remember what the object of this ETag is, so that nobody reads it all again."""
        ...

    async def claim(self, claims: Sequence[Claim], retry_at: datetime, session: Session = None) -> bool:
        """Open uploads become committing, due at `retry_at`; others stay as they are. Whether all were open."""
        ...

    async def complete(
        self, completions: Sequence[Completion], now: datetime, check_at: datetime, session: Session
    ) -> None:
        """Uploads that the same transaction has read as committing become completed."""
        ...

    async def end(
        self, ids: Sequence[str], state: State, refusal: Refusal | None, now: datetime, session: Session
    ) -> None:
        """Uploads that the same transaction has read as not yet ended become so; clean-up is due at once."""
        ...

    async def claim_due(self, limit: int) -> list[Upload]:
        """Up to `limit` uploads that are due, for this caller alone until its lease ends; then they are due again."""
        ...

    async def recheck(self, rechecks: Sequence[Recheck], purge_at: datetime) -> None:
        """Plan the next look at uploads still held by their claim; one that needs none is deleted at `purge_at`."""
        ...

    async def mark_stalled(self, missing: dict[str, tuple[str, ...]], session: Session) -> None:
        """By id, the services that did not react; the revision counts the stalled event."""
        ...

    async def settle(self, ids: Sequence[str]) -> None:
        """Everything that follows from these has happened; their next look is planned by `recheck`."""
        ...

    async def stalled(self, after: str, limit: int) -> list[Upload]: ...

    async def count_stalled(self) -> int: ...
