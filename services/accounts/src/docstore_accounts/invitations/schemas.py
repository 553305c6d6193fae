"""What the routes of invitations take and answer."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_platform.answers import Answer
from docstore_platform.bodies import Body
from docstore_platform.values import MAX_EMAIL_CHARS, Email


class NewInvitation(Body):
    email: Email = Field(max_length=MAX_EMAIL_CHARS)


class Invitation(Answer):
    """An invitation to sign up."""

    email: str
    """The address that it is for."""
    url: str
    """A page for its owner, where it was mailed as well; told this once."""
    expires_at: datetime
    """When the link ends."""


class SignUpRules(Answer):
    """Who may make an account here."""

    sign_up: Literal["open", "invitation", "closed"]
    """Anybody; whoever has the link of an invitation; nobody."""
