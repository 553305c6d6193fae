"""Requests and responses of a person's own account."""

from pydantic import Field

from docstore_accounts.account.rules import Plan
from docstore_accounts.account.schemas import Account
from docstore_accounts.parameters import DisplayName, GivenPassword, NewPassword
from docstore_platform.answers import Answer
from docstore_platform.bodies import Body


class OwnChange(Body):
    display_name: DisplayName | None = None
    password: NewPassword | None = Field(None, description="with the current one; else 422 `current_password_needed`")
    current_password: GivenPassword | None = None


class PlanChoice(Body):
    plan: Plan


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
