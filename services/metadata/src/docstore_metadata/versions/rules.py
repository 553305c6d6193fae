"""Which versions of a file an account may see. Standard library only."""

from collections.abc import Iterable
from datetime import datetime

from docstore_metadata.share_rules import Share


def shared_since(shares: Iterable[Share], account_id: str) -> datetime | None:
    """Since when one of `shares` has been with an account; None if none is."""
    return min((share.created_at for share in shares if share.account_id == account_id), default=None)


def device_shown(device: str, created_by: str, owner_id: str, account_id: str) -> str:
    """The device that a version came from, as an account sees it: others' devices are nobody's business."""
    return device if account_id in (owner_id, created_by) else ""
