"""Responses of the archive."""

from datetime import date

from docstore_platform.http.response_models import Page, ResponseModel


class ArchiveFile(ResponseModel):
    """A Parquet file of a table of the archive."""

    id: str
    """Unique part of its name."""
    day: date
    """Day of its rows, in UTC."""
    key: str
    """Object key in the archive's bucket."""
    events: int
    """Number of rows in it."""
    bytes: int
    """Size of the file."""
    url: str
    """Signed URL, valid for ten minutes."""


class ArchivePage(Page[ArchiveFile]):
    """A page of the archive's files, by day."""
