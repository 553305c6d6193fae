"""Requests and responses of the routes by which a client keeps up: changes, snapshot, compare."""

from docstore_metadata.changes.journal_writer_repository import ChangeType
from docstore_metadata.tree.schemas import File
from docstore_platform.answers import Answer


class Change(Answer):
    """One entry of an account's journal."""

    seq: int
    """Of this account, from 1, without a gap."""
    type: ChangeType
    """What was done; `shared` and `unshared`: the account may read it from then on, or no longer."""
    file: File
    """As the change left it; of what is gone, as it was last."""


class ChangeFeed(Answer):
    """Changes, the oldest first."""

    changes: list[Change]
    """None if there is nothing new."""
    cursor: str
    """Goes on behind the last of them, also if there is none."""
    has_more: bool
    """Whether there are more already."""
