"""Steps that the initiation of uploads and that of packs share."""

from datetime import datetime

from docstore_platform.problems import Problem
from docstore_upload.lifecycle.clients import Json

CHECKED = {"path", "parent_id", "file_id", "base_version", "on_conflict"}
"""What metadata needs to know to say whether an upload may be."""


def over_quota(size: int, usage: Json | None) -> Problem:
    """So many bytes were not reserved; `usage` if the caller may see it."""
    detail = f"{size} bytes don't fit into what is left of the quota."
    return Problem(507, "over_quota", detail, **({} if usage is None else {"usage": usage}))


def seconds_left(expires_at: datetime, now: datetime) -> int:
    """How long a URL works that ends at `expires_at`."""
    return max(1, int((expires_at - now).total_seconds()))
