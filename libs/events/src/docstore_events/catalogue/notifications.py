"""Events of notifications."""

from typing import Literal

from docstore_events.catalogue.event import Event

Channel = Literal["email", "in_app", "webhook", "sns", "sqs", "eventbridge", "push", "sms"]


class NotificationEvent(Event, topic="notifications", owner="notify", key="delivery_id", abstract=True):
    """One message to one person."""

    delivery_id: str
    account_id: str
    channel: Channel
    kind: str
    """Kind of notification, such as upload_done or file_changed (see notify's README)."""
    cause_ids: tuple[str, ...]
    """Ids of the events that it reports."""


class NotificationSent(NotificationEvent):
    """Emitted when the channel has accepted the message."""


class NotificationFailed(NotificationEvent):
    """Emitted when the message can't be delivered and won't be retried."""

    reason: str
