"""Request of sign-up."""

from pydantic import Field

from docstore_accounts.account.rules import MAX_EMAIL_CHARS, Language
from docstore_accounts.parameters import DisplayName, NewPassword
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.values import Email, Text
from docstore_platform.security.mailed_links import MAX_TOKEN_CHARS


class SignUp(RequestModel):
    email: Email = Field(max_length=MAX_EMAIL_CHARS)
    """Address of the account; 409 `email_taken` if it has one."""
    password: NewPassword
    display_name: DisplayName | None = None
    language: Language | None = None
    """Of e-mails, beginning with the one that verifies the address; English if absent."""
    invitation: Text | None = Field(
        None, max_length=MAX_TOKEN_CHARS, description="the part after # of an invitation's link"
    )
