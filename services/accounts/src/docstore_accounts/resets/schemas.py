"""Requests and responses of password resets."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_accounts.parameters import KnownEmail, NewPassword
from docstore_platform.http.answers import Answer
from docstore_platform.http.bodies import Body
from docstore_platform.http.values import Text
from docstore_platform.security.mailed_links import MAX_TOKEN_CHARS


class Forgotten(Body):
    email: KnownEmail


class ConfirmedReset(Body):
    token: Text = Field(max_length=MAX_TOKEN_CHARS, description="the part after # of the link")
    password: NewPassword


class ResetAccepted(Answer):
    """The same whether or not a mail was sent."""

    accepted: Literal[True]
    """Always true."""


class PasswordReset(Answer):
    """A link to reset a password."""

    url: str
    """Page of the link. Not shown again."""
    token: str
    """Token to confirm with. Not shown again."""
    expires_at: datetime
    """When the link expires."""
