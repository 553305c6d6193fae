"""Responses with the audit log."""

from datetime import datetime

from docstore_analytics.audit.rules import Kind, Reason
from docstore_platform.answers import Answer, Page


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
