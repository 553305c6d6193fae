"""What the public routes answer, as the API's description shows it."""

from datetime import datetime
from typing import Literal

from docstore_accounts.domain import Plan, Role, Status
from docstore_platform.answers import Answer, Page


class Account(Answer):
    """A person's account."""

    id: str
    """Names it everywhere else."""
    email: str
    """As it was typed at sign-up; letters' case does not matter."""
    display_name: str
    """What others are shown; may be empty."""
    plan: Plan
    """What it may use: `free` 5 GB and search by name, `premium` 20 GB and search in texts, unless set otherwise."""
    role: Role
    """`admin` for operators."""
    status: Status
    """A suspended account can't log in."""
    email_verified: bool
    """Whether its owner has proven that the address is theirs: before, nothing that is shared with it is granted."""
    home_region: str
    """Region in which it logs in and has its files."""
    created_at: datetime
    """When it signed up."""


class AccountPage(Page[Account]):
    """A page of all accounts."""


class Usage(Answer):
    """What an account keeps, in bytes: every version counts, the trash included."""

    used: int
    """By what is there."""
    reserved: int
    """By uploads under way."""
    limit: int
    """What the plan allows."""
    over_quota: bool
    """More is used than the plan allows: nothing can be added."""


class Me(Account):
    """The caller's own account."""

    usage: Usage
    self_service_plans: bool
    """Whether the caller may change its own plan; else an administrator does."""


class Tokens(Answer):
    """What a device gets to act for an account (RFC 6749)."""

    access_token: str
    """A JWT, for `Authorization: Bearer`."""
    refresh_token: str
    """Good for one refresh, which answers the next one."""
    token_type: Literal["Bearer"]
    """How the access token is sent."""
    expires_in: int
    """Seconds until the access token ends."""
    account: Account


class LogIn(Tokens):
    """What a device gets when it logs in."""

    device_token: str
    """For `device_token` of the next log-in on this device, also after a log-out: it is then no new one."""


class Session(Answer):
    """A device that is logged in."""

    id: str
    """What ending it takes."""
    device_name: str
    """As the device said when it logged in, or as its browser is called."""
    created_at: datetime
    """When it logged in."""
    last_used_at: datetime
    """When it last got new tokens."""
    expires_at: datetime
    """When it ends unless it gets new ones."""
    current: bool
    """Whether this call was made with it."""


class SessionPage(Page[Session]):
    """A page of the caller's sessions."""


class ResetAccepted(Answer):
    """The same whether or not a mail was sent."""

    accepted: Literal[True]
    """Nothing more is told."""


class PasswordReset(Answer):
    """A link by which a password can be set anew."""

    url: str
    """A page for people; told this once."""
    token: str
    """What confirming takes; told this once."""
    expires_at: datetime
    """When the link ends."""
