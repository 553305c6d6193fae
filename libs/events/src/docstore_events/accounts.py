"""Events of accounts."""

from datetime import datetime
from typing import Literal

from docstore_events.event import Event

Plan = Literal["free", "premium"]
Role = Literal["user", "admin"]
AccountStatus = Literal["active", "suspended"]


class AccountEvent(Event, topic="accounts", owner="accounts", abstract=True):
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
    """Whether its owner has proven that they read mails to `email`. Events from before the field lack it, and
    nothing is granted by an address on their word: consumers keep what they have granted earlier."""

    def key(self) -> str:
        return self.account_id


class AccountCreated(AccountEvent):
    """Emitted when a person has signed up."""


class AccountUpdated(AccountEvent):
    """Emitted when an account's name, e-mail, role or status has changed, or its e-mail address was verified."""


class AccountPlanChanged(AccountEvent):
    """Emitted when an account has moved to another plan."""

    previous_plan: Plan


class PasswordResetRequested(Event, topic="accounts", owner="accounts"):
    """Emitted when the owner of an account is to be mailed a link by which its password can be set anew.

    The link is not in it, nor anything from which one could be made.
    """

    reset_id: str
    account_id: str
    expires_at: datetime

    def key(self) -> str:
        return self.reset_id


class PasswordReset(Event, topic="accounts", owner="accounts"):
    """Emitted when the password of an account was set by a link, and its sessions have ended."""

    reset_id: str
    account_id: str

    def key(self) -> str:
        return self.reset_id


class EmailVerificationRequested(Event, topic="accounts", owner="accounts"):
    """Emitted when a link and a code are to be mailed to an address, by which its owner proves that it is theirs.

    Neither is in it, nor anything from which one could be made.
    """

    verification_id: str
    account_id: str
    email: str
    """Where the mail goes: the address that will be verified, whatever the account's address is by then."""
    expires_at: datetime

    def key(self) -> str:
        return self.verification_id


class PasswordResetLinkMade(Event, topic="accounts", owner="accounts"):
    """Emitted when an administrator has made a link by which the password of an account can be set anew.

    The link is not in it, nor anything from which one could be made.
    """

    reset_id: str
    account_id: str
    made_by: str
    expires_at: datetime

    def key(self) -> str:
        return self.reset_id


class PasswordChanged(Event, topic="accounts", owner="accounts"):
    """Emitted when somebody logged in has changed the password of their account."""

    change_id: str
    account_id: str
    session_id: str
    device: str
    changed_at: datetime

    def key(self) -> str:
        return self.change_id


class AccountInvited(Event, topic="accounts", owner="accounts"):
    """Emitted when an administrator invites somebody to sign up. The link of the mail is not in it."""

    invitation_id: str
    email: str
    invited_by: str
    """Account of the administrator."""
    invited_at: datetime

    def key(self) -> str:
        return self.invitation_id


class SessionStarted(Event, topic="accounts", owner="accounts"):
    """Emitted when somebody has logged in; signing up or renewing a token is none."""

    session_id: str
    account_id: str
    device: str
    new_device: bool
    """The account was not logged in on this device before, which it would have shown by its device token."""
    first_login: bool = False
    """It is the first of a new account, whose owner need not be warned of it."""
    started_at: datetime

    def key(self) -> str:
        return self.session_id
