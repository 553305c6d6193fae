"""Request and response models of browsers that get push messages."""

from datetime import datetime

from pydantic import Field

from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel


class PushKeys(RequestModel):
    p256dh: str = Field(max_length=100, description="the browser's public key, base64url")
    auth: str = Field(max_length=50, description="secret of the browser, base64url")


class RegisterBrowser(RequestModel):
    """The browser's `PushSubscription` as JSON (W3C Push API)."""

    endpoint: str = Field(max_length=2048, description="URL at the browser's push service")
    keys: PushKeys
    """Keys that encrypt messages for this browser."""
    expirationTime: float | None = Field(None, description="ignored: expired ones are removed")  # noqa: N815 - W3C's


class PushKey(ResponseModel):
    """The server's public key."""

    key: str
    """P-256 point in base64url: `applicationServerKey` of `PushManager.subscribe`."""


class PushSubscription(ResponseModel):
    """A browser that gets push messages while it stays logged in."""

    id: str
    """Id, to remove it."""
    device: str
    """Name of the device when it was registered."""
    service: str
    """Host of the browser's push service."""
    current: bool
    """Whether the caller's log-in registered it."""
    created_at: datetime
    """When it was last registered."""


class PushSubscriptionPage(Page[PushSubscription]):
    """A page of the caller's browsers."""
