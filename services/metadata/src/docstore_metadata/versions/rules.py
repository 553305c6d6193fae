"""Which versions of a file an account may see. Standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from docstore_metadata.sharing.rules import Share


@dataclass(slots=True, kw_only=True)
class Version:
    """One version of a file, as its history shows it."""

    node_id: str
    owner_id: str
    number: int
    object_key: str
    size: int
    sha256: str
    content_type: str
    created_at: datetime
    created_by: str
    device: str = ""
    upload_id: str | None = None
    restored_from: int | None = None
    client_modified_at: datetime | None = None
    came_at: datetime | None = None
    """When it took the place of another, by the later of the clocks that were asked."""

    @property
    def committed_at(self) -> datetime:
        """As of when the version before it is an old one."""
        return self.came_at or self.created_at


def shared_since(shares: Iterable[Share], account_id: str) -> datetime | None:
    """Since when one of `shares` has been with an account; None if none is."""
    return min((share.created_at for share in shares if share.account_id == account_id), default=None)


def device_shown(device: str, created_by: str, owner_id: str, account_id: str) -> str:
    """The device that a version came from, as an account sees it: others' devices are nobody's business."""
    return device if account_id in (owner_id, created_by) else ""
