"""What an account has chosen for all of its files or for a folder."""

from datetime import datetime

from docstore_client.models.base import Model


class Policy(Model):
    """How long old data is kept; None means forever."""

    trash_days: int | None
    versions: int
    """Versions of a file, the current one included."""
    version_days: int | None
    """Counted from when a version was replaced."""


class Retention(Policy):
    """The account's policy; `most`: the largest allowed values."""

    is_default: bool
    applies_at: datetime | None = None
    """When the last change takes effect; None: it has."""
    most: Policy


class Languages(Model):
    """Languages of text in pictures and scans, as Tesseract names them, the main one first."""

    languages: list[str]
    is_default: bool
    available: list[str]
