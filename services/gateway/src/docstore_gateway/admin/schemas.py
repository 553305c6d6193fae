"""Responses of the gateway's own public routes."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_contracts.consistency import MAX_CHECKED, CheckName
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel, omittable
from docstore_platform.http.values import Moment


class OutboxHealth(ResponseModel):
    """Events that a service has not published yet."""

    pending: int
    """Events."""
    oldest_seconds: float
    """Age of the oldest one."""


class ServiceHealth(ResponseModel):
    """State of one service. If it is unreachable, only `failed` is known."""

    name: str
    """Name of the service."""
    status: Literal["ok", "degraded", "unavailable", "unreachable"]
    """`degraded`: it works, but has a large lag or dead letters."""
    failed: dict[str, str]
    """Failing components, with the reason."""
    consumes: bool = omittable()
    """Whether it consumes events at all."""
    joined: bool = omittable()
    """Whether it is consuming events now."""
    lag: dict[str, int] = omittable()
    """Events not consumed yet, by topic."""
    outbox: OutboxHealth = omittable()
    dead_letters: int = omittable()
    """Messages that it could not handle."""


class HealthReport(ResponseModel):
    """State of every service."""

    status: Literal["ok", "degraded"]
    """`ok` only if every service is."""
    at: datetime
    """Time of the check."""
    services: list[ServiceHealth]
    """Services by name."""


class Backups(ResponseModel):
    """Scheduled backups. The other fields are null if none are scheduled."""

    scheduled: bool
    """Whether the stack takes backups: the setting `DOCSTORE_BACKUP_TARGET`."""
    target: str | None
    """Folder or bucket of the backups."""
    running: bool
    """Whether one is being taken now."""
    succeeded_at: datetime | None
    """When the last complete backup began."""
    name: str | None
    """Name of the last complete backup."""
    failed_at: datetime | None
    """When the last failure was noticed."""
    failures: int | None
    """Failures since the last complete backup."""
    error: str | None
    """Reason of the last failure; empty after a success."""
    next_at: datetime | None
    """When the next backup is due."""


class LogLine(ResponseModel):
    """A line of a service's log."""

    at: datetime
    """When it was written."""
    service: str
    """Service that wrote it; empty if unknown."""
    level: Literal["debug", "info", "warning", "error", "critical"]
    """How serious it is."""
    event: str
    """Name of what happened."""
    trace_id: str | None
    """Trace of the request or event that it is part of."""
    fields: dict[str, str]
    """Everything else."""


class LogPage(ResponseModel):
    """Matching lines of all services."""

    items: list[LogLine]
    """Newest first."""
    is_complete: bool
    """Whether everything was searched; false if older lines were not."""


class DeadLetter(ResponseModel):
    """A message that a service could not handle."""

    id: str
    """Service and event; identifies it for replaying and discarding."""
    service: str
    """Service that could not handle it."""
    topic: str
    """Topic of the event."""
    key: str
    """Aggregate of the event."""
    position: str
    """Topic, partition and offset."""
    type: str
    """Type of the event; `unknown` if it was unreadable."""
    reason: str
    """`unreadable`, `failed`, `refused`, or `waits_for:` and the dead letter before it."""
    error: str
    """Error message for people."""
    at: datetime
    """When it was dead-lettered."""
    value: str
    """Text of the message."""


class DeadLetterPage(Page[DeadLetter]):
    """A page of the dead letters of all services."""

    unreachable: list[str]
    """Services that did not respond, whose dead letters are missing."""


class Replay(ResponseModel):
    """Result of a replay."""

    replayed: int
    """Events that were handled, including those that had waited behind it."""
    error: str | None
    """Why no more were handled; null if all were."""


class Republished(ResponseModel):
    """Result of republishing."""

    republished: dict[str, int]
    """Number of events, by service."""
    unreachable: list[str]
    """Services that did not respond."""


class Check(ResponseModel):
    """A consistency check."""

    name: CheckName
    """What it checks."""
    service: str
    """Service that runs it."""


class Checks(ResponseModel):
    """All consistency checks."""

    items: list[Check]
    """In the order in which they should run."""


class ConsistencyCheck(RequestModel):
    check: CheckName
    """What to check."""
    cursor: str | None = Field(None, max_length=2048)
    """`next_cursor` of the page before; none: from the beginning."""
    limit: int = Field(200, ge=1, le=MAX_CHECKED)
    """Items of the page."""
    repair: bool = False
    """Repair what can be repaired."""
    checksums: bool = False
    """Read the contents, too, and compare them with their hashes."""


class Finding(ResponseModel):
    """Something that does not fit together."""

    kind: str
    """What is wrong, such as `object_missing`."""
    id: str
    """Id of the file, version, share, account or upload, or key of the object."""
    account_id: str
    """Its owner; empty if unknown."""
    detail: str
    """What was found and what was expected."""
    repaired: bool
    """Whether it was repaired by this call."""


class ConsistencyPage(ResponseModel):
    """Result of a check, for one page."""

    check: CheckName
    """What was checked."""
    checked: int
    """Items of this page."""
    unread: int
    """Contents whose bytes were not compared with their hash: too large to read at once, or archived."""
    findings: list[Finding]
    """What is wrong with them."""
    next_cursor: str | None
    """Where the next page begins; null after the last one."""


class Republish(RequestModel):
    since: Moment
    """Events published since then."""
