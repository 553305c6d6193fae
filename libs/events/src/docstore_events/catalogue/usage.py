"""Events of accounts' storage usage. All figures in bytes."""

from docstore_events.catalogue.event import Event


class UsageEvent(Event, topic="usage", owner="quota", key="account_id", abstract=True):
    """Usage of an account after the change."""

    account_id: str
    used: int
    reserved: int
    limit: int
    documents: int


class UsageChanged(UsageEvent):
    """Emitted when an account's usage has changed; concurrent changes may be one event."""

    upload_ids: tuple[str, ...] = ()
    """Uploads counted by this change."""


class QuotaExceeded(UsageEvent):
    """Emitted when an account's usage exceeds its limit, or an upload was refused for lack of space."""

    requested: int = 0
    """Size of the refused upload; 0 if the limit was exceeded in another way."""


class QuotaRestored(UsageEvent):
    """Emitted when an account that was over its limit is within it again."""
