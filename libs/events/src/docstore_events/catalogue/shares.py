"""Events of shares with people and of public links."""

from datetime import datetime
from typing import Literal

from docstore_events.catalogue.event import Event

ShareRole = Literal["viewer", "editor"]


class ShareEvent(Event, topic="shares", owner="metadata", key="share_id", abstract=True):
    """State of a share with one person after the change."""

    share_id: str
    file_id: str
    file_name: str
    kind: Literal["file", "folder"]
    owner_id: str
    email: str
    """Recipient's address as the owner entered it."""
    account_id: str | None
    """Recipient's account; None until a person has signed up with the address, verified it and accepted the share."""
    role: ShareRole
    actor_id: str
    """Account that caused the change."""
    ancestors: tuple[str, ...] = ()
    """Ids of its folders, from the root to its parent."""
    invited_id: str | None = None
    """Account of the address that is asked to accept it; None after that."""
    hidden: bool = False
    """The recipient has blocked the owner and gets no notification."""


class FileShared(ShareEvent):
    """Emitted when an item is shared, its role changes, or the recipient has verified their address."""


class ShareRevoked(ShareEvent):
    """Emitted when a share has ended: revoked by the owner, left by the recipient, or deleted with the file."""


class LinkEvent(Event, topic="shares", owner="metadata", key="link_id", abstract=True):
    """A public link to a file or folder. No event contains its token."""

    link_id: str
    file_id: str
    file_name: str
    owner_id: str
    expires_at: datetime | None
    ancestors: tuple[str, ...] = ()
    """Ids of the file's folders, from the root to its parent."""


class LinkCreated(LinkEvent):
    """Emitted when an owner has created a link."""


class LinkOpened(LinkEvent):
    """Emitted when a visitor has opened a link; `opens` is the count."""

    opens: int


class LinkExpiring(LinkEvent):
    """Emitted once, about a day before a link expires."""


class LinkRevoked(LinkEvent):
    """Emitted when a link was revoked, or deleted with the file."""
