"""Requests and responses of administration."""

from typing import Literal

from pydantic import Field

from docstore_accounts.account.rules import Plan, Role, Status
from docstore_accounts.account.schemas import Account
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page


class AdminChange(RequestModel):
    plan: Plan | None = None
    """Moves the account to this plan."""
    role: Role | None = None
    """Makes the account an administrator, or an ordinary user again."""
    status: Status | None = None
    """A suspended account is logged out everywhere and cannot log in."""
    email_verified: Literal[True] | None = Field(None, description="confirm the address without a mail")


class AccountPage(Page[Account]):
    """A page of all accounts."""
