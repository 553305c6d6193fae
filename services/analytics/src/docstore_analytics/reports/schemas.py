"""Responses with reports."""

from datetime import datetime

from pydantic import Field

from docstore_analytics.reports.rules import Step
from docstore_analytics.reports.service import Unit
from docstore_platform.answers import Answer


class Line(Answer):
    """One line of a report over time."""

    name: str
    """What divides the figure: a plan, a channel, or `all`."""
    values: list[int]
    """One for each of `times`."""


class SeriesReport(Answer):
    """A figure over time."""

    name: str
    """Of the report."""
    about: str
    """What is counted, for people."""
    unit: Unit
    """Of the values."""
    step: Step
    """How far the times are apart."""
    begin: datetime = Field(alias="from")
    """Included."""
    to: datetime
    """Not included."""
    times: list[datetime]
    """When each hour or day begins."""
    series: list[Line]
    """By name."""


class TopFile(Answer):
    """A file, with how often it was given and fetched."""

    file_id: str
    """The file or folder."""
    name: str | None
    """Null if it is not known any more."""
    owner_id: str | None
    """Account; null if it is not known any more."""
    shares: int
    """With people."""
    links: int
    """To the public."""
    opens: int
    """Of its links."""
    downloads: int
    """By anybody."""


class TopReport(Answer):
    """The files with the most of something."""

    name: str
    """Of the report."""
    items: list[TopFile]
    """The most first."""


class AccountUse(Answer):
    """What an account did."""

    account_id: str
    """Whose."""
    uploads: int
    """Files that were sent."""
    uploaded_bytes: int
    """Bytes that were sent."""
    downloads: int
    """Contents that were fetched."""
    calls: int
    """Those that are in the audit log."""
    refused: int
    """Of the calls, those that were answered with an error."""


class UsageReport(Answer):
    """What accounts did in a period."""

    name: str
    """Of the report."""
    begin: datetime = Field(alias="from")
    """Included."""
    to: datetime
    """Not included."""
    items: list[AccountUse]
    """The most bytes sent first."""


class FileReads(Answer):
    """How a file was read."""

    file_id: str
    """The file."""
    reads: int
    """How often its content was fetched."""
    accounts: int
    """How many accounts read it."""
    by_link: int
    """Reads by those who were not logged in."""
    last_at: datetime
    """When it was last fetched."""


class AccessReport(Answer):
    """How files were read in a period."""

    name: str
    """Of the report."""
    begin: datetime = Field(alias="from")
    """Included."""
    to: datetime
    """Not included."""
    items: list[FileReads]
    """The most read first."""


Report = SeriesReport | TopReport | UsageReport | AccessReport
