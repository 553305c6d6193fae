"""Repository interface of objects that only unused contents need.

A row is due while everything that needs the object is unused. The first use of the object removes that row, and
the worker marks it as `moving` before it copies the object: of the two, one finds the other's write. So no object is
archived that a content in use needs, and a content with an archived object is not in use.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from docstore_platform.mongodb.session import Session
from docstore_upload.cold_objects.rules import Archived
from docstore_work.lease_queue import Lease


class ColdObjects(Protocol):
    """Repository of objects that are due to move to a colder class, or have moved."""

    async def enlist(self, keys: Iterable[str], now: datetime, session: Session) -> None:
        """Make objects due that only unused contents need; archived ones stay as they are."""

    async def withdraw(self, keys: Iterable[str], session: Session) -> bool:
        """Keep objects from moving; return False if one of them is archived, or being moved."""

    async def add_idle_slices(
        self, pack_key: str, numbers: Iterable[int], live: Iterable[int], now: datetime, session: Session
    ) -> None:
        """Record unused slices of a pack; it is due if it has no other live ones."""

    async def remove_idle_slices(self, pack_key: str, numbers: Iterable[int], session: Session) -> bool:
        """Record that slices are in use again; return False if the pack is archived, or being moved."""

    async def settle_packs(self, live: Mapping[str, Sequence[int]], now: datetime) -> None:
        """Make packs due, by key, all of whose live slices are unused."""

    async def archived_among(self, keys: Iterable[str], session: Session = None) -> list[Archived]:
        """Return those of the objects that are archived, or being moved."""

    async def claim(self, limit: int) -> list[Lease]:
        """Lease up to `limit` due objects."""

    async def begin_move(self, lease: Lease) -> None:
        """Mark an object as being moved. Raises LeaseLost if a content uses it again."""

    async def complete_move(self, lease: Lease, *, archived: bool) -> None:
        """Record that it has moved, or need not move; `archived`: it must be restored before it is read. LeaseLost."""

    async def put_off(self, lease: Lease, seconds: float) -> None:
        """Keep the object readable and try again later: the store has refused to move it. Raises LeaseLost."""

    async def restoring(self, keys: Sequence[str]) -> None:
        """Record that the restoration of these objects was requested."""

    async def retrieved(self, key: str) -> None:
        """Record that an object can be read again."""

    async def forget(self, keys: Sequence[str]) -> None:
        """Remove the records of deleted objects."""
