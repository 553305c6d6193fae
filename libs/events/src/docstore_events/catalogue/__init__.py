"""All events: importing this module makes every event type known."""

from collections.abc import Mapping

from docstore_events.catalogue import accounts, audit, files, notifications, shares, uploads, usage
from docstore_events.catalogue.event import EVENT_TYPES, Event
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
"""Consumers that acknowledge each event through `/internal/events/settled`.

A service that acknowledges events adds itself here. A publisher that needs acknowledgements reads it, and so knows no
consumer by name.
"""


def acknowledged_by(event: type[Event]) -> list[ServiceName]:
    """Return the services that acknowledge an event."""
    return [service for service, events in ACKNOWLEDGED.items() if event in events]
