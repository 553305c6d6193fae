"""Requests and responses of invitations."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ResponseModel
from docstore_platform.http.values import MAX_EMAIL_CHARS, Email


class NewInvitation(RequestModel):
    email: Email = Field(max_length=MAX_EMAIL_CHARS)
    """Address that may sign up, and that gets the mail."""


class Invitation(ResponseModel):
    """An invitation to sign up."""

    email: str
    """The invited address."""
    url: str
    """Sign-up page of the invitation, also in the mail. Not shown again."""
    expires_at: datetime
    """When the link expires."""


class SignUpRules(ResponseModel):
    """Who may sign up."""

    sign_up: Literal["open", "invitation", "closed"]
    """Everyone; invited people; no one."""
