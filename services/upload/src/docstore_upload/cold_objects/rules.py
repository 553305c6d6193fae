"""Rules of objects in a colder storage class. Standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ArchiveState = Literal["moving", "archived"]
"""`moving` begins before the object is copied: from then on it is not read, whether or not the copy succeeds."""
MIN_BYTES = 128 << 10
"""S3 charges smaller objects in colder classes as if they had this size."""
LOOKED_AT = 50
"""Objects under restoration that one call looks at: they become readable at about the same time."""
BEGUN_AT_ONCE = 500
"""Restorations that one call begins."""


@dataclass(frozen=True, slots=True)
class Archived:
    """An object that must be restored before it is read."""

    key: str
    state: ArchiveState
    is_restoring: bool
    """Its restoration was requested."""


@dataclass(frozen=True, slots=True)
class RetrievalStep:
    """What one call does for the retrieval of a content's objects."""

    begin: Sequence[str]
    look_at: Sequence[str]


def next_step(archived: Sequence[Archived]) -> RetrievalStep:
    """Request all restorations first; then look at a few at a time."""
    at_rest = [each for each in archived if each.state == "archived"]
    begin = [each.key for each in at_rest if not each.is_restoring][:BEGUN_AT_ONCE]
    return RetrievalStep(begin, [] if begin else [each.key for each in at_rest][:LOOKED_AT])
