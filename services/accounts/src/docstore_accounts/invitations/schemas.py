"""Requests and responses of invitations."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_platform.http.answers import Answer
from docstore_platform.http.bodies import Body
from docstore_platform.http.values import MAX_EMAIL_CHARS, Email


class NewInvitation(Body):
    email: Email = Field(max_length=MAX_EMAIL_CHARS)


class Invitation(Answer):
    """An invitation to sign up."""

    email: str
    """The invited address."""
    url: str
    """Sign-up page of the invitation, also in the mail. Not shown again."""
    expires_at: datetime
    """When the link expires."""


class SignUpRules(Answer):
    """Who may sign up."""

    sign_up: Literal["open", "invitation", "closed"]
    """Anybody; invited people; nobody."""
