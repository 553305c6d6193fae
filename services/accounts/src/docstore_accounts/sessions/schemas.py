"""Requests and responses of sessions."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from docstore_accounts.account.schemas import Account, account_json
from docstore_accounts.parameters import GivenPassword, KnownEmail
from docstore_accounts.sessions import rules, service
from docstore_accounts.sessions.device_names import shown_name
from docstore_platform.clock import rfc3339
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel
from docstore_platform.http.values import Text
from docstore_platform.security.tokens import Principal


class LogIn(RequestModel):
    email: KnownEmail
    """Address of the account."""
    password: GivenPassword
    """Password of the account."""
    device_name: Text | None = Field(None, max_length=500)
    """Name of the session in lists; by default a name made of `User-Agent`."""
    device_token: Text | None = Field(
        None, max_length=100, description="device token of this device's last log-in: it is not a new device then"
    )


class Refresh(RequestModel):
    refresh_token: Text = Field(max_length=500)
    """Refresh token of the last response with tokens."""


class Tokens(ResponseModel):
    """Tokens of a session (RFC 6749)."""

    access_token: str
    """A JWT, for `Authorization: Bearer`."""
    refresh_token: str
    """Works for one refresh, which returns the next one."""
    token_type: Literal["Bearer"]
    """Scheme of the access token."""
    expires_in: int
    """Seconds until the access token expires."""
    account: Account


class LogInResponse(Tokens):
    """Tokens of a new session."""

    device_token: str
    """Send it as `device_token` of the next log-in on this device, even after a log-out."""


class Session(ResponseModel):
    """A logged-in device."""

    id: str
    """Id, to end the session."""
    device_name: str
    """Name that the client gave at log-in, or its browser's name."""
    created_at: datetime
    """When it logged in."""
    last_used_at: datetime
    """When it last got new tokens."""
    expires_at: datetime
    """When it expires unless it is renewed."""
    current: bool
    """Whether it is the session of this request."""


class SessionPage(Page[Session]):
    """A page of the caller's sessions."""


def tokens_json(tokens: service.Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "account": account_json(tokens.account),
    }


def session_json(session: rules.Session, caller: Principal) -> dict[str, Any]:
    return {
        "id": session.id,
        "device_name": shown_name(session.device),
        "created_at": rfc3339(session.created_at),
        "last_used_at": rfc3339(session.last_used_at),
        "expires_at": rfc3339(session.expires_at),
        "current": session.id == caller.session_id,
    }
