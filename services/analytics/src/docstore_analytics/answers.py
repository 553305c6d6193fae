"""What the public routes answer, as the API's description shows it."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from docstore_analytics.activity import What
from docstore_analytics.audit_chain import Kind, Reason
from docstore_analytics.domain import Step
from docstore_analytics.reports import Unit
from docstore_platform.answers import Answer, Page, sometimes


class Actor(Answer):
    """Who did it."""

    id: str
    """Account."""
    name: str | None
    """Null if it is not known."""


class Activity(Answer):
    """One thing that was done with a file or folder."""

    id: str
    """Ordered by time."""
    at: datetime
    """When it was done."""
    type: What
    """What was done."""
    file_id: str
    """The file or folder."""
    name: str
    """As it was called then."""
    actor: Actor | None
    """Null where nobody was logged in."""
    version: int = sometimes()
    """The version that came of it."""
    device: str | None = sometimes()
    """The device it was done on; null if that is not known, or somebody else's on another's file."""
    previous_name: str = sometimes()
    """What it was called before."""
    tags: list[str] = sometimes()
    """All that it has since."""
    moved_from: str = Field(default_factory=str, alias="from")
    """For its owner: path of the folder it was moved out of."""
    moved_to: str = Field(default_factory=str, alias="to")
    """For its owner: path of the folder it was moved into."""
    email: str = sometimes()
    """For its owner: whom it was shared with, or no longer."""
    role: Literal["viewer", "editor"] = sometimes()
    """For its owner: what it was shared as."""


class ActivityPage(Page[Activity]):
    """A page of what was done, the latest first. It may be empty and not the last."""


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


class AuditEntry(Answer):
    """A line of the audit log: a call, or a change. Null may also stand where somebody has tampered with it."""

    number: int
    """From 1, without a gap."""
    at: datetime
    """When."""
    kind: Kind | None
    """Which of the two."""
    action: str | None
    """`PATCH /v1/files/{file_id}` of a call, `file-moved` of a change."""
    account_id: str | None
    """Who did it; null where nobody was logged in."""
    object_id: str | None
    """What it was about; null if that is not one thing."""
    status: int | None
    """HTTP status of a call; null of a change."""
    client: str | None
    """Address and program of who called."""
    session_id: str | None
    """Log-in that it was done with; null if there was none."""
    source_id: str | None
    """Of the request or event."""
    detail: str | None
    """Path of the call, or of the file."""
    signature: str
    """Of this entry and the one before it."""


class AuditPage(Page[AuditEntry]):
    """A page of the audit log, the latest first."""


class AuditMark(Answer):
    """A place in the chain of the audit log."""

    number: int
    """Of the entry; 0 before the first."""
    signature: str
    """Of the entry."""


class AuditBreak(Answer):
    """The first entry that is not as it was written."""

    number: int
    """Of the entry."""
    reason: Reason
    """What is wrong."""
    detail: str
    """The same for people."""


class AuditCheck(Answer):
    """What checking a part of the audit log has found."""

    checked: int
    """Entries."""
    next_after: int | None
    """Given as `after`, it goes on; null once the end is reached."""
    broken: AuditBreak | None
    """Null if all of them are as they were written."""
    last: AuditMark
    """The last entry that is as it was written."""
    head: AuditMark
    """Where the log ends."""
    anchor: AuditMark | None
    """Where it ended when that was last noted in the object store; null if it never was, or could not be read."""
    not_compared: str | None
    """Why the log could not be compared with what of it is in the object store, for people; null if it was."""


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
