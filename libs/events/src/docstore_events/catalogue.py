"""All events in one place: importing this module makes every event type known."""

from docstore_events import accounts, audit, files, notifications, shares, uploads, usage
from docstore_events.event import EVENT_TYPES

__all__ = ["EVENT_TYPES", "accounts", "audit", "files", "notifications", "shares", "uploads", "usage"]
