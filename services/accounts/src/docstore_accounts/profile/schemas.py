"""Requests and responses of a person's own account."""

from pydantic import Field

from docstore_accounts.account.rules import Language, Plan
from docstore_accounts.account.schemas import Account
from docstore_accounts.parameters import DisplayName, GivenPassword, NewPassword
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ResponseModel


class OwnChange(RequestModel):
    display_name: DisplayName | None = None
    password: NewPassword | None = Field(None, description="with the current one; else 422 `current_password_needed`")
    current_password: GivenPassword | None = None
    """Needed to change the password."""
    language: Language | None = None
    """Of e-mails and of the web page."""


class PlanChoice(RequestModel):
    plan: Plan
    """The new plan."""


class Usage(ResponseModel):
    """Storage usage of an account in bytes: all versions count, also in the trash."""

    used: int
    """Bytes of stored contents."""
    reserved: int
    """Bytes reserved for uploads under way."""
    limit: int
    """Limit of the plan."""
    over_quota: bool
    """Whether usage exceeds the limit, so that nothing can be added."""


class Me(Account):
    """The caller's own account."""

    usage: Usage
    folder_id: str | None
    """Folder that the API token of this call is limited to; null without a limit."""
    self_service_plans: bool
    """Whether callers may change their own plan; otherwise an administrator does."""
