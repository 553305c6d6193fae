"""Responses of the change feed."""

from docstore_metadata.changes.journal_writer_repository import ChangeType
from docstore_metadata.tree.views.schemas import File
from docstore_platform.http.response_models import ResponseModel


class Change(ResponseModel):
    """One entry of an account's journal."""

    seq: int
    """Number in this account's journal, from 1, without gaps."""
    type: ChangeType
    """The change. `shared` and `unshared`: the account gained or lost access."""
    file: File
    """The state after the change; of a deleted file, its last state."""


class ChangeFeed(ResponseModel):
    """Changes, the oldest first."""

    changes: list[Change]
    """Empty if there is nothing new."""
    cursor: str
    """Continues after the last of them, also if there is none."""
    has_more: bool
    """Whether more changes are available."""
