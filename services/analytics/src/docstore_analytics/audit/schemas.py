"""Responses of the audit log."""

from datetime import datetime

from docstore_analytics.audit.rules import Kind, Reason
from docstore_platform.http.response_models import Page, ResponseModel


class AuditEntry(ResponseModel):
    """An entry of the audit log: a call or a change. Fields may also be null after tampering."""

    number: int
    """From 1, without a gap."""
    at: datetime
    """When."""
    kind: Kind | None
    """A call or a change."""
    action: str | None
    """`PATCH /v1/files/{file_id}` for a call, `file-moved` for a change."""
    account_id: str | None
    """Acting account; null without a login."""
    object_id: str | None
    """The object of the action; null if it is not a single one."""
    status: int | None
    """HTTP status of a call; null for a change."""
    client: str | None
    """Address and program of the caller."""
    session_id: str | None
    """Log-in session of the call; null without one."""
    source_id: str | None
    """Id of the request or event."""
    detail: str | None
    """Path of the call or the file."""
    signature: str
    """Signature of this entry and the one before it."""


class AuditPage(Page[AuditEntry]):
    """A page of the audit log, latest first."""


class AuditMark(ResponseModel):
    """A place in the chain of the audit log."""

    number: int
    """Number of the entry; 0 before the first."""
    signature: str
    """Signature of the entry."""


class AuditBreak(ResponseModel):
    """The first invalid entry."""

    number: int
    """Number of the entry."""
    reason: Reason
    """What is wrong."""
    detail: str
    """The reason for people."""


class AuditCheck(ResponseModel):
    """Result of verifying a part of the audit log."""

    checked: int
    """Entries."""
    next_after: int | None
    """Continue with it as `after`; null at the end."""
    broken: AuditBreak | None
    """Null if all checked entries are valid."""
    last: AuditMark
    """The last valid entry."""
    head: AuditMark
    """End of the log."""
    anchor: AuditMark | None
    """End of the log at its last anchor in the object store; null if there is none or it is unreadable."""
    not_compared: str | None
    """Why the log could not be compared with the object store, for people; null if it was."""
