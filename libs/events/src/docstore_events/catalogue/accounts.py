"""Events of accounts."""

from datetime import datetime
from typing import Literal

from docstore_events.catalogue.event import Event

Plan = Literal["free", "premium"]
Role = Literal["user", "admin"]
AccountStatus = Literal["active", "suspended"]
Language = Literal["en", "de", "es", "zh"]


class AccountEvent(Event, topic="accounts", owner="accounts", key="account_id", abstract=True):
    """State of the account after the change."""

    account_id: str
    email: str
    display_name: str
    plan: Plan
    role: Role
    status: AccountStatus
    home_region: str
    created_at: datetime
    email_verified: bool = False
    """Whether the owner has verified `email`. Absent in events from before the field existed: such an event grants
    nothing by an address, and consumers keep what they granted earlier."""
    language: Language | None = None
    """Language in which the owner is written to; none chosen, or absent in older events, is English."""


class AccountCreated(AccountEvent):
    """Emitted when a person has signed up."""


class AccountUpdated(AccountEvent):
    """Emitted when an account's name, e-mail, language, role or status has changed, or its address was verified."""


class AccountPlanChanged(AccountEvent):
    """Emitted when an account has moved to another plan."""

    previous_plan: Plan


class PasswordResetRequested(Event, topic="accounts", owner="accounts", key="reset_id"):
    """Emitted when the owner of an account is to be mailed a link to reset the password.

    It contains neither the link nor anything to make one from.
    """

    reset_id: str
    account_id: str
    expires_at: datetime


class PasswordReset(Event, topic="accounts", owner="accounts", key="reset_id"):
    """Emitted when a password was reset by a link, which ends the account's sessions."""

    reset_id: str
    account_id: str
    taken_over_at: datetime | None = None
    """When the earlier sessions have ended everywhere, if the account's address was not verified: the person who resets
    the password need not be the one who signed up. Consumers end what was made before that moment and gives access to
    the account. None if the address was verified, and in events from before the field existed."""


class EmailVerificationRequested(Event, topic="accounts", owner="accounts", key="verification_id"):
    """Emitted when a link and a code to verify an address are to be mailed to it.

    It contains neither of them nor anything to make them from.
    """

    verification_id: str
    account_id: str
    email: str
    """Address to verify and to mail to, even if the account's address has changed by then."""
    expires_at: datetime


class PasswordResetLinkMade(Event, topic="accounts", owner="accounts", key="reset_id"):
    """Emitted when an administrator has created a link to reset the password of an account.

    It contains neither the link nor anything to make one from.
    """

    reset_id: str
    account_id: str
    made_by: str
    expires_at: datetime


class PasswordChanged(Event, topic="accounts", owner="accounts", key="change_id"):
    """Emitted when a person has changed their password while logged in."""

    change_id: str
    account_id: str
    session_id: str
    device: str
    changed_at: datetime


class ApiTokenCreated(Event, topic="accounts", owner="accounts", key="token_id"):
    """Emitted when a person has created an API token. It does not contain the token."""

    token_id: str
    account_id: str
    name: str
    scopes: tuple[str, ...]
    folder_id: str = ""
    """Folder that it is limited to; empty: none."""
    expires_at: datetime | None
    device: str
    """Device on which it was created."""


class ApiTokenRevoked(Event, topic="accounts", owner="accounts", key="token_id"):
    """Emitted when a person has revoked an API token; not when it expires or ends with a reset of the password."""

    token_id: str
    account_id: str


class AccountInvited(Event, topic="accounts", owner="accounts", key="invitation_id"):
    """Emitted when an administrator invites a person to sign up. It does not contain the link."""

    invitation_id: str
    email: str
    invited_by: str
    """Account of the administrator."""
    invited_at: datetime


class SessionStarted(Event, topic="accounts", owner="accounts", key="session_id"):
    """Emitted when a user has logged in; not when they sign up or renew a token."""

    session_id: str
    account_id: str
    device: str
    new_device: bool
    """Whether the login came without a device token of an earlier login of the account."""
    first_login: bool = False
    """Whether it is the first login of a new account, which needs no warning."""
    started_at: datetime
