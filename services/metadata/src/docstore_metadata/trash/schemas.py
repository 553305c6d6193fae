"""Responses of the routes of the trash."""

from datetime import datetime

from docstore_metadata.tree.schemas import File
from docstore_platform.answers import Page


class TrashedFile(File):
    """A file or folder in the trash; `path` is where it was."""

    trashed_at: datetime
    """When it was put there."""
    expires_at: datetime | None
    """When it goes for good, then or a little later; null: never."""


class TrashPage(Page[TrashedFile]):
    """A page of the trash."""
