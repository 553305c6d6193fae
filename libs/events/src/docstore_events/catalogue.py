"""All events in one place: importing this module makes every event type known."""

from collections.abc import Mapping

from docstore_events import accounts, audit, files, notifications, shares, uploads, usage
from docstore_events.event import EVENT_TYPES, Event
from docstore_platform.services import ServiceName

__all__ = [
    "ACKNOWLEDGED",
    "EVENT_TYPES",
    "accounts",
    "acknowledged_by",
    "audit",
    "files",
    "notifications",
    "shares",
    "uploads",
    "usage",
]

_NEW_CONTENT: tuple[type[Event], ...] = (files.FileCreated, files.FileModified)

ACKNOWLEDGED: Mapping[ServiceName, tuple[type[Event], ...]] = {
    "quota": _NEW_CONTENT,
    "indexer": _NEW_CONTENT,
    "media": _NEW_CONTENT,
    "notify": (uploads.UploadCompleted, uploads.PackCompleted),
}
"""The events of which a consumer declares that it tells when it is done with them: `/internal/events/settled`.

A service that acknowledges events adds itself here. Whoever has to know that an event was handled reads it and so
knows no consumer by name.
"""


def acknowledged_by(event: type[Event]) -> list[ServiceName]:
    """The services that acknowledge an event."""
    return [service for service, events in ACKNOWLEDGED.items() if event in events]
