"""What the use cases of packs need of their repository."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from docstore_platform.mongo import (
    Session,
)
from docstore_upload.lifecycle.rules import Actor, Refusal, State
from docstore_upload.packs.rules import Pack


@dataclass(frozen=True, slots=True)
class PackCompletion:
    """What became of a pack's files, and the events published for it."""

    answers: bytes
    refused: Sequence[int]
    file_event_ids: Sequence[str]
    completed_event_id: str


class Packs(Protocol):
    """Where packs are kept."""

    async def insert(self, pack: Pack, session: Session) -> None: ...

    async def get(self, pack_id: str, account_id: str | None = None, session: Session = None) -> Pack | None:
        """A pack; with `account_id` only if that account sends it."""
        ...

    async def keys_of(self, pack_ids: Sequence[str]) -> list[str]:
        """Keys of those of these packs that may have an object, or are to be cleared."""
        ...

    async def claim(
        self, pack_id: str, wrong: Sequence[int], live: Sequence[int], by: Actor, retry_at: datetime
    ) -> Pack | None:
        """An open pack becomes committing, due at `retry_at`; None if it is not open any more."""
        ...

    async def complete(
        self, pack_id: str, done: PackCompletion, now: datetime, check_at: datetime, session: Session
    ) -> None:
        """A pack that the same transaction has read as committing becomes completed."""
        ...

    async def amend(
        self, pack_id: str, answers: bytes, refused: Sequence[int], more_event_ids: Sequence[str], session: Session
    ) -> None:
        """Of a completed pack more files have been committed than was known."""
        ...

    async def end(self, pack_id: str, state: State, refusal: Refusal | None, now: datetime, session: Session) -> None:
        """A pack that the same transaction has read as not yet ended becomes so; clean-up is due at once."""
        ...

    async def release(self, numbers: Mapping[tuple[str, str], Iterable[int]], now: datetime) -> None:
        """Drop live slices, by (account id, pack id); a settled pack is due to be looked at, unless somebody does."""
        ...

    async def claim_due(self, limit: int) -> list[Pack]:
        """Up to `limit` packs that are due, for this caller alone until its lease ends; then they are due again."""
        ...

    async def plan(self, pack: Pack, at: datetime | None, **changes: Any) -> None:
        """Plan the next look, if the pack is as it was seen. One of which slices were released meanwhile is due at
        once; any other stays due at the end of the lease."""
        ...

    async def settle(self, pack: Pack, now: datetime) -> None:
        """Everything that follows from it has happened. What was refused lives no longer; due at once for the rest."""
        ...

    async def forget(self, pack: Pack) -> None:
        """Drop what was declared and answered: what remains is which slices live."""
        ...

    async def mark_stalled(self, pack_id: str, missing: Sequence[str], session: Session) -> None: ...

    async def count_stalled(self) -> int: ...
