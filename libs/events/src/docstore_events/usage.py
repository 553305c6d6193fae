"""Events of what accounts use. All figures in bytes."""

from docstore_events.event import Event


class UsageEvent(Event, topic="usage", owner="quota", abstract=True):
    """What an account uses after the change."""

    account_id: str
    used: int
    reserved: int
    limit: int
    documents: int

    def key(self) -> str:
        return self.account_id


class UsageChanged(UsageEvent):
    """Emitted when what an account uses has changed; changes that come together are one event."""

    upload_ids: tuple[str, ...] = ()
    """Uploads counted by this change."""


class QuotaExceeded(UsageEvent):
    """Emitted when an account uses more than its limit, or an upload was refused for want of space."""

    requested: int = 0
    """Size of the upload that did not fit; 0 if the limit was passed in another way."""


class QuotaRestored(UsageEvent):
    """Emitted when an account that was over its limit is within it again."""
