"""Requests and responses of the routes by which recipients decide about shares."""

from datetime import datetime
from typing import Literal

from docstore_metadata.tree.rules import Kind, ShareRole
from docstore_platform.answers import Answer, Page
from docstore_platform.bodies import Body


class NewShareSettings(Body):
    share_acceptance: Literal["automatic", "ask"]


class ShareSettings(Answer):
    """How the account takes what others share with it."""

    share_acceptance: Literal["automatic", "ask"]
    """`automatic`: it is there at once; `ask`: shares by people who never shared before wait to be accepted."""


class ShareInvitation(Answer):
    """A share that waits until the caller accepts or declines it."""

    id: str
    """What accepting and declining it takes."""
    name: str
    """Of the file or folder."""
    kind: Kind
    """Which of the two it is."""
    role: ShareRole
    """Whether the caller may change it once it is accepted."""
    owner_id: str
    """Account that shares."""
    owner_name: str | None
    """What it is called; null if that is not known."""
    owner_email: str | None
    """Its e-mail address; null if that is not known."""
    owner_email_verified: bool
    """Whether it has proven that the address is its own."""
    shared_at: datetime
    """When it was shared."""


class ShareInvitationPage(Page[ShareInvitation]):
    """A page of shares that wait."""


class BlockedPerson(Answer):
    """Somebody whose shares the caller does not want."""

    id: str
    """The account id or e-mail address by which they were blocked; what unblocking takes."""
    name: str | None
    """What an account that was blocked by its id is called; null if that is not known."""
    email: str | None
    """The address by which they were blocked; null where it was an account id."""
    blocked_at: datetime
    """When they were blocked."""


class BlockedPersonPage(Page[BlockedPerson]):
    """A page of people whose shares the caller does not want."""
