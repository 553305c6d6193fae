"""Events of shares with people and of public links."""

from datetime import datetime
from typing import Literal

from docstore_events.event import Event

ShareRole = Literal["viewer", "editor"]


class ShareEvent(Event, topic="shares", owner="metadata", abstract=True):
    """A file or folder shared with one person, as it stands after the change."""

    share_id: str
    file_id: str
    file_name: str
    kind: Literal["file", "folder"]
    owner_id: str
    email: str
    """Whom it is shared with, as the owner wrote it."""
    account_id: str | None
    """Their account; None until somebody has signed up with that address, verified it and accepted the share."""
    role: ShareRole
    actor_id: str
    """Account that caused the change."""
    ancestors: tuple[str, ...] = ()
    """Folders it is in, from the root down to its parent."""
    invited_id: str | None = None
    """Account of that address that is asked to accept it; None once it has."""
    hidden: bool = False
    """The recipient has blocked the owner and gets no notification."""

    def key(self) -> str:
        return self.share_id


class FileShared(ShareEvent):
    """Emitted when a file or folder is shared with a person, with another role, or they have verified their address."""


class ShareRevoked(ShareEvent):
    """Emitted when a share has ended: taken back by the owner, given up by the person, or gone with the file."""


class LinkEvent(Event, topic="shares", owner="metadata", abstract=True):
    """A public link to a file or folder. The token that opens it is in no event."""

    link_id: str
    file_id: str
    file_name: str
    owner_id: str
    expires_at: datetime | None
    ancestors: tuple[str, ...] = ()
    """Folders the file is in, from the root down to its parent."""

    def key(self) -> str:
        return self.link_id


class LinkCreated(LinkEvent):
    """Emitted when an owner has made a link."""


class LinkOpened(LinkEvent):
    """Emitted when somebody has opened a link; `opens` counts them."""

    opens: int


class LinkExpiring(LinkEvent):
    """Emitted once, about a day before a link ends."""


class LinkRevoked(LinkEvent):
    """Emitted when a link has been taken back, or is gone with the file."""
