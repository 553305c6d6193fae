"""Browsers that get push messages, and the keys they sent. Standard library only."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

POINT_BYTES = 65
"""Of an uncompressed point on P-256."""
SECRET_BYTES = 16


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """A browser of an account, registered at its maker's push service (RFC 8030)."""

    id: str
    account_id: str
    session_id: str
    """The log-in that registered it: messages end with it."""
    device: str
    endpoint: str
    """URL of the push service for this browser; anyone who knows it may send, so it is never shown."""
    p256dh: str
    """The browser's public key, base64url."""
    auth: str
    """Secret shared with the browser, base64url."""
    server_key: str
    """The public key that the browser was registered with: only its owner may send."""
    created_at: datetime


def are_keys(p256dh: str, auth: str) -> bool:
    """Whether these look like a browser's keys (RFC 8291, 3.1 and 3.2)."""
    point, secret = decoded(p256dh), decoded(auth)
    return len(point) == POINT_BYTES and point[0] == 4 and len(secret) == SECRET_BYTES


def decoded(text: str) -> bytes:
    """Decode base64url without padding; empty if it is none."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
