"""Requests and responses of forgotten passwords."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_accounts.parameters import KnownEmail, NewPassword
from docstore_platform.answers import Answer
from docstore_platform.bodies import Body
from docstore_platform.mailed_links import MAX_TOKEN_CHARS
from docstore_platform.values import Text


class Forgotten(Body):
    email: KnownEmail


class ConfirmedReset(Body):
    token: Text = Field(max_length=MAX_TOKEN_CHARS, description="what stands behind the # of the link")
    password: NewPassword


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
