"""What does not fit together in transfers and blocks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from docstore_contracts.inconsistency import Inconsistency
from docstore_upload.lifecycle.rules import ENDED, State

TransferKind = Literal["uploads", "packs"]
OVERDUE = timedelta(hours=1)
"""A transfer that was due so long ago is one that no worker finds."""


@dataclass(frozen=True, slots=True)
class StoredTransfer:
    """An upload or a pack; `live`: slices of a pack that versions refer to."""

    id: str
    account_id: str
    state: State
    next_check_at: datetime | None
    is_settled: bool
    live: int

    def without_end(self, now: datetime) -> Inconsistency | None:
        """Whether it is under way and no worker will ever end it."""
        if self.next_check_at is not None:
            waits = self.next_check_at < now - OVERDUE
        else:
            waits = self.state not in ENDED and not (self.state == "completed" and self.is_settled)
        detail = f"{self.state}, and next looked at: {self.next_check_at or 'never'}"
        return Inconsistency("never_ends", self.id, self.account_id, detail, repairable=True) if waits else None


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block; `size`: of its plain bytes, `stored_bytes`: of its object, where that was recorded."""

    id: str
    account_id: str
    hash: str
    key: str
    size: int | None
    stored_bytes: int | None
    is_needed: bool
    """Whether it has arrived and lists refer to it."""
