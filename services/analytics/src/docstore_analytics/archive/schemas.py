"""Responses with files of the archive."""

from datetime import date

from docstore_platform.answers import Answer, Page


class ArchiveFile(Answer):
    """A Parquet file of the event archive."""

    id: str
    """Part of its name."""
    day: date
    """The day that its events are of, in UTC."""
    key: str
    """In the archive's bucket."""
    events: int
    """How many are in it."""
    bytes: int
    """Its size."""
    url: str
    """Signed, good for ten minutes."""


class ArchivePage(Page[ArchiveFile]):
    """A page of the archive's files, by day."""
