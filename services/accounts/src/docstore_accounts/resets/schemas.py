"""Requests and responses of password resets."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_accounts.parameters import KnownEmail, NewPassword
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ResponseModel
from docstore_platform.http.values import Text
from docstore_platform.security.mailed_links import MAX_TOKEN_CHARS


class Forgotten(RequestModel):
    email: KnownEmail
    """Address of the account."""


class ConfirmedReset(RequestModel):
    token: Text = Field(max_length=MAX_TOKEN_CHARS, description="the part after # of the link")
    password: NewPassword


class ResetAccepted(ResponseModel):
    """The same whether or not a mail was sent."""

    accepted: Literal[True]
    """Always true."""


class PasswordReset(ResponseModel):
    """A link to reset a password."""

    url: str
    """Page of the link. Not shown again."""
    token: str
    """Token to confirm with. Not shown again."""
    expires_at: datetime
    """When the link expires."""
