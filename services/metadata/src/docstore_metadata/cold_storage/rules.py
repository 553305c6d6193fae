"""Rules of cold storage: when a content is cold or archived, and the state of a retrieval. Standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from docstore_metadata.errors import ContentArchived

NOTED_SHARE = 10
"""A read is noted again after this part of the period that a content must be unused, at most a day."""
LONGEST_UNNOTED = timedelta(days=1)

RetrievalState = Literal["available", "archived", "requested"]
HOUR = 3600
SECONDS_TO_RETRIEVE: Mapping[tuple[str, str], int] = {
    ("GLACIER", "Expedited"): 5 * 60,
    ("GLACIER", "Standard"): 5 * HOUR,
    ("GLACIER", "Bulk"): 12 * HOUR,
    ("DEEP_ARCHIVE", "Standard"): 12 * HOUR,
    ("DEEP_ARCHIVE", "Bulk"): 48 * HOUR,
}
"""How long S3 takes at most, usually, by storage class and tier."""


@dataclass(frozen=True, slots=True)
class ColdPolicy:
    """What moves: contents unread for `after`, None for nothing; `storage_class` is empty without cold storage."""

    storage_class: str
    tier: str
    after: timedelta | None

    @property
    def is_on(self) -> bool:
        """Whether contents may be in cold storage."""
        return bool(self.storage_class)

    @property
    def estimate(self) -> int:
        """Seconds that a retrieval takes."""
        return SECONDS_TO_RETRIEVE.get((self.storage_class, self.tier), 0)

    @property
    def unnoted(self) -> timedelta:
        """How long a read is not noted after the last one that was."""
        return LONGEST_UNNOTED if self.after is None else min(self.after / NOTED_SHARE, LONGEST_UNNOTED)

    @property
    def age(self) -> timedelta:
        """A content is unused so long after its last noted read: later reads may not have been noted."""
        return (self.after or timedelta(0)) + self.unnoted

    def archived(self, file_ids: Sequence[str] = ()) -> ContentArchived:
        return ContentArchived(self.estimate, file_ids)


@dataclass(frozen=True, slots=True)
class Use:
    """What is recorded of a content's use."""

    key: str
    read_at: datetime | None
    """Last noted read; None: being handed over, or not recorded."""
    idle: bool
    """Handed over: upload knows whether it can be read."""
    asked: bool
    """Upload was asked about it once: blocks may have been archived before they were used for it."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The state of a content, and an account's request for it."""

    version: int
    state: RetrievalState
    requested_at: datetime | None = None
    expected_at: datetime | None = None
