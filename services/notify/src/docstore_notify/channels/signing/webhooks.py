"""Signatures by Standard Webhooks: https://www.standardwebhooks.com, version 1 (HMAC-SHA256)."""

import secrets
from base64 import b64encode
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32
"""Allowed: 24 to 64."""


def new_secret() -> str:
    """Return a secret to share with a receiver."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver verifies origin, content and age (`timestamp`: seconds since 1970)."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": Webhook(secret).sign(message_id, moment, body.decode()),
    }
