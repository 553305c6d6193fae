"""Events of notifications. Said by the notify service."""

from typing import Literal

from docstore_events.event import Event

Channel = Literal["email"]


class NotificationEvent(Event, topic="notifications", abstract=True):
    """One message to one person."""

    delivery_id: str
    account_id: str
    channel: Channel
    kind: str
    """What it tells: upload_done, file_changed, quota_exceeded, quota_restored."""
    cause_ids: tuple[str, ...]
    """Ids of the events it tells of."""

    def key(self) -> str:
        return self.delivery_id


class NotificationSent(NotificationEvent):
    """Emitted when the channel has accepted the message."""


class NotificationFailed(NotificationEvent):
    """Emitted when the message can't be delivered and won't be tried again."""

    reason: str
