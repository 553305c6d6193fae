"""Responses of an account's own storage."""

from datetime import datetime

from docstore_platform.http.response_models import ResponseModel


class ShareFigures(ResponseModel):
    """A file or folder that the account shares."""

    file_id: str
    """File or folder."""
    name: str
    """Its name when it was last shared."""
    shares: int
    """People it is shared with."""
    links: int
    """Its public links."""
    opens: int
    """How often its links were opened."""
    downloads: int
    """How often it was downloaded, by anyone."""


class StorageReport(ResponseModel):
    """What an account stores and shares."""

    times: list[datetime]
    """Start of each day, UTC; the last one is today."""
    bytes: list[int]
    """Bytes at the end of each day, all versions and the trash included."""
    documents: list[int]
    """Documents at the end of each day."""
    shared: list[ShareFigures]
    """What is shared with most people and links first, 50 at most."""
