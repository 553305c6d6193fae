"""Responses of reports."""

from datetime import datetime

from pydantic import Field

from docstore_analytics.reports.rules import Step
from docstore_analytics.reports.service import Unit
from docstore_platform.http.response_models import ResponseModel


class Line(ResponseModel):
    """One line of a report over time."""

    name: str
    """Dimension of the line: a plan, a channel, or `all`."""
    values: list[int]
    """One value for each of `times`."""


class SeriesReport(ResponseModel):
    """A figure over time."""

    name: str
    """Name of the report."""
    about: str
    """Description for people."""
    unit: Unit
    """Unit of the values."""
    step: Step
    """Distance of the times."""
    begin: datetime = Field(alias="from")
    """Included."""
    to: datetime
    """Exclusive."""
    times: list[datetime]
    """Start of each hour or day."""
    series: list[Line]
    """Lines by name."""


class TopFile(ResponseModel):
    """A file with its shares and downloads."""

    file_id: str
    """The file or folder."""
    name: str | None
    """Null if it is no longer known."""
    owner_id: str | None
    """Owner's account; null if it is no longer known."""
    shares: int
    """Shares with people."""
    links: int
    """Public links."""
    opens: int
    """Opens of its links."""
    downloads: int
    """Downloads by anyone."""


class TopReport(ResponseModel):
    """The files with the highest figure."""

    name: str
    """Name of the report."""
    items: list[TopFile]
    """Highest first."""


class AccountUse(ResponseModel):
    """Activity of an account."""

    account_id: str
    """Whose."""
    uploads: int
    """Uploaded files."""
    uploaded_bytes: int
    """Uploaded bytes."""
    downloads: int
    """Downloaded contents."""
    calls: int
    """Calls in the audit log."""
    refused: int
    """Calls that failed."""


class UsageReport(ResponseModel):
    """Activity of accounts in a period."""

    name: str
    """Name of the report."""
    begin: datetime = Field(alias="from")
    """Included."""
    to: datetime
    """Exclusive."""
    items: list[AccountUse]
    """Most uploaded bytes first."""


class FileReads(ResponseModel):
    """Reads of a file."""

    file_id: str
    """The file."""
    reads: int
    """How often its contents were downloaded."""
    accounts: int
    """Number of accounts that read it."""
    by_link: int
    """Reads without a login."""
    last_at: datetime
    """Time of the last read."""


class AccessReport(ResponseModel):
    """Reads of files in a period."""

    name: str
    """Name of the report."""
    begin: datetime = Field(alias="from")
    """Included."""
    to: datetime
    """Exclusive."""
    items: list[FileReads]
    """Most reads first."""


Report = SeriesReport | TopReport | UsageReport | AccessReport
