"""Requests and responses of the routes by which recipients decide about shares."""

from datetime import datetime
from typing import Literal

from docstore_metadata.tree.rules import Kind, ShareRole
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel


class NewShareSettings(RequestModel):
    share_acceptance: Literal["automatic", "ask"]
    """`automatic`: shares are active at once; `ask`: shares of unknown people wait to be accepted."""


class ShareSettings(ResponseModel):
    """How the account accepts shares."""

    share_acceptance: Literal["automatic", "ask"]
    """`automatic`: shares are active at once; `ask`: shares of unknown people wait to be accepted."""


class ShareInvitation(ResponseModel):
    """A share that waits until the caller accepts or declines it."""

    id: str
    """For accepting and declining it."""
    name: str
    """Name of the file or folder."""
    kind: Kind
    """File or folder."""
    role: ShareRole
    """Whether the caller may change it after accepting."""
    owner_id: str
    """Account that shares it."""
    owner_name: str | None
    """Its display name; null if unknown."""
    owner_email: str | None
    """Its e-mail address; null if unknown."""
    owner_email_verified: bool
    """Whether the account has verified the address."""
    shared_at: datetime
    """When it was shared."""


class ShareInvitationPage(Page[ShareInvitation]):
    """A page of shares that wait to be accepted."""


class BlockedPerson(ResponseModel):
    """A person whose shares the caller does not want."""

    id: str
    """The account id or e-mail address by which the person was blocked; for unblocking."""
    name: str | None
    """Display name of an account that was blocked by its id; null if unknown."""
    email: str | None
    """The address by which the person was blocked; null if blocked by account id."""
    blocked_at: datetime
    """When the person was blocked."""


class BlockedPersonPage(Page[BlockedPerson]):
    """A page of people whose shares the caller does not want."""
