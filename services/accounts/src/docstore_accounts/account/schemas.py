"""Response models of accounts."""

from datetime import datetime

from docstore_accounts.account import rules
from docstore_accounts.account.rules import Language, Plan, Role, Status
from docstore_contracts import accounts as contract
from docstore_platform.clock import rfc3339
from docstore_platform.http.response_models import ResponseModel


class Account(ResponseModel):
    """A person's account."""

    id: str
    """Id in all other responses."""
    email: str
    """As typed at sign-up; case does not matter."""
    display_name: str
    """Name that others see; may be empty."""
    plan: Plan
    """`free`: 5 GB and search by name; `premium`: 20 GB and full-text search, unless configured otherwise."""
    role: Role
    """`admin` for operators."""
    status: Status
    """A suspended account can't log in."""
    email_verified: bool
    """Whether the owner has verified the address; before that, nothing shared with it is granted."""
    language: Language | None
    """Language of its e-mails, and of the web page where a browser has no other choice; null: never chosen."""
    home_region: str
    """Region in which it logs in and stores its files."""
    created_at: datetime
    """When it signed up."""


def account_json(account: rules.Account) -> contract.Account:
    return {
        "id": account.id,
        "email": account.email,
        "display_name": account.display_name,
        "plan": account.plan,
        "role": account.role,
        "status": account.status,
        "email_verified": account.email_verified,
        "language": account.language,
        "home_region": account.home_region,
        "created_at": rfc3339(account.created_at),
    }
