"""Requests and responses of the routes of shares with people."""

from datetime import datetime
from typing import Literal

from docstore_metadata.tree.rules import ShareRole
from docstore_metadata.tree.schemas import File
from docstore_platform.answers import Answer, Page
from docstore_platform.bodies import Body
from docstore_platform.values import Email

Role = Literal["viewer", "editor"]


class NewShare(Body):
    email: Email
    role: Role


class NewRole(Body):
    role: Role


class Share(Answer):
    """A file or folder that a person has been given."""

    id: str
    """What changing and ending it takes."""
    file_id: str
    """The file or folder."""
    email: str
    """Whom it is shared with, as the owner typed it."""
    role: ShareRole
    """Whether they may change it."""
    state: Literal["pending", "active"]
    """`pending` until somebody has signed up with the address, verified it and accepted the share, then `active`."""
    created_at: datetime
    """When it was shared."""


class SharePage(Page[Share]):
    """A page of those with whom it is shared."""


class ReceivedShare(Answer):
    """A share as who was given it sees it."""

    id: str
    """What giving it up takes."""
    role: ShareRole
    """Whether the caller may change it."""
    owner_id: str
    """Account that shares."""
    owner_name: str | None
    """What it is called; null if that is not known."""
    shared_at: datetime
    """When it was shared."""


class SharedFile(File):
    """A file or folder that somebody shares with the caller."""

    share: ReceivedShare


class SharedFilePage(Page[SharedFile]):
    """A page of what is shared with the caller."""
