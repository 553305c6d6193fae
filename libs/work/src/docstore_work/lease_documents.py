"""Filters and updates of the documents of a work queue: what is due, who holds it, and how that changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import ASCENDING, Document

EVER = datetime(1970, 1, 1, tzinfo=UTC)
_LEASE_FIELDS = ["lease_owner", "lease_until"]


@dataclass(frozen=True, slots=True)
class Lease:
    """A document that a worker holds, as it was when claimed."""

    id: Any
    owner: str
    attempts: int
    document: Document


@dataclass(kw_only=True, eq=False)
class LeaseDocuments:
    """Documents of one queue, as filters and updates see them."""

    lease_seconds: float
    account_field: str = ""
    """Accounts take turns by this field: each claim goes to the next account by id with due work, so that no account
    waits for the backlog of another. This needs an index on `due_at`, after this field and those of `where`."""
    due_field: str = "due_at"
    """Stored name of `due_at`, if the release before had another one, or if the date is a fact with its own name."""
    age: timedelta = timedelta(0)
    """How long after that date a document is due."""
    legacy_owner: str = ""
    """Field in which the release before stored its token; instances of both may run side by side."""
    legacy_null: bool = False
    """That release stored null in a free document, where this one removes the field."""
    clock: Clock = utc_now
    """For tests: replaces the database's clock, unless it is `utc_now`."""

    def held(self, lease: Lease) -> Document:
        """Filter for the document while this lease is the last one issued for it."""
        return {"_id": lease.id, **self.held_by(lease.owner)}

    def held_by(self, owner: str) -> Document:
        """Filter for all documents of one claim's leases; for updates of a batch."""
        return {"lease_owner": owner, **self._untouched()}

    def held_among(self, leases: Sequence[Lease]) -> Document:
        """Filter for those of the documents that are still under these leases."""
        owners = sorted({lease.owner for lease in leases})
        ids = [lease.id for lease in leases]
        return {"_id": {"$in": ids}, "lease_owner": {"$in": owners}, **self._untouched()}

    def claimable(self) -> Document:
        """Filter for due documents without a lease."""
        # The range excludes documents without a date and gives the planner index bounds.
        return {self.due_field: {"$gt": EVER}, "$expr": {"$lte": [f"${self.due_field}", self.now()]}}

    def due(self, at: datetime | None) -> Document:
        """Update operators that end any lease and make a document due at `at`, or remove it from the queue (None).

        For updates that change more fields, or many documents: their holders lose them.
        """
        fields = dict.fromkeys([*_LEASE_FIELDS, *self.legacy()], 1)
        if at is None:
            return {"$unset": {self.due_field: 1, **fields}}
        return {"$set": {self.due_field: at}, "$unset": fields}

    def _untouched(self) -> Document:
        """Filter for a claimed document that the release before has not changed.

        That release ignores `lease_owner`: it takes a lease by moving the due date.
        """
        if not self.legacy_owner:
            return {}
        return {self.legacy_owner: {"$in": [None, ""]}, "$expr": {"$eq": [f"${self.due_field}", "$lease_until"]}}

    def legacy(self) -> list[str]:
        return [self.legacy_owner] if self.legacy_owner else []

    def _no_legacy(self, *, held: bool = False) -> Document:
        if not self.legacy_owner:
            return {}
        return {self.legacy_owner: ("" if held else None) if self.legacy_null else "$$REMOVE"}

    def completing(self, keep: Mapping[str, Any]) -> list[Document]:
        return [{"$set": {**literal(keep), **self._no_legacy()}}, {"$unset": [self.due_field, *_LEASE_FIELDS]}]

    def postponing(self, seconds: float, changes: Mapping[str, Any] | None, *, counted: bool) -> list[Document]:
        change = {**literal(changes or {}), self.due_field: self._after(seconds), **self._no_legacy()}
        if not counted:
            change["attempts"] = {"$subtract": ["$attempts", 1]}
        return [{"$set": change}, {"$unset": _LEASE_FIELDS}]

    def releasing(self) -> list[Document]:
        return [{"$set": {self.due_field: self.now(), **self._no_legacy()}}, {"$unset": _LEASE_FIELDS}]

    def order(self) -> list[tuple[str, int]]:
        order = [(self.due_field, ASCENDING)]
        return [(self.account_field, ASCENDING), *order] if self.account_field else order

    def taking(self, owner: str) -> list[Document]:
        change: Document = {
            **self.lease_end(),
            "lease_owner": owner,
            "attempts": {"$add": [{"$ifNull": ["$attempts", 0]}, 1]},
            **self._no_legacy(held=True),
        }
        return [{"$set": change}]

    @staticmethod
    def unless_stored(id_: Any, new: Document) -> list[Document]:
        """Update that upserts a new document, and leaves a stored one as it is."""
        return [{"$replaceWith": {"$cond": [{"$eq": ["$$ROOT", {"$literal": {"_id": id_}}]}, new, "$$ROOT"]}}]

    def now(self) -> Any:
        """The latest date that is due: now, or `age` ago."""
        if self.clock is not utc_now:
            return {"$literal": self.clock() - self.age}
        return {"$subtract": ["$$NOW", int(self.age.total_seconds() * 1000)]} if self.age else "$$NOW"

    def lease_end(self) -> Document:
        end = self._after(self.lease_seconds)
        return {self.due_field: end, "lease_until": end}

    def _after(self, seconds: float) -> Document:
        return {"$add": [self.now(), int(seconds * 1000)]}


def literal(fields: Mapping[str, Any]) -> Document:
    """Literal values: in a pipeline, strings that begin with `$` would be paths."""
    return {name: {"$literal": value} for name, value in fields.items()}
