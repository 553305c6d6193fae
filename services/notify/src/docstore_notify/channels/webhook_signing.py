"""Signatures as Standard Webhooks describes them: https://www.standardwebhooks.com, version 1 (HMAC-SHA256)."""

import hmac
import secrets
from base64 import b64decode, b64encode

PREFIX = "whsec_"
SECRET_BYTES = 32
"""Of 24 to 64."""


def new_secret() -> str:
    """A secret to share with a receiver."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that let a receiver check origin, content and age (`timestamp`: seconds since 1970)."""
    key = b64decode(secret.removeprefix(PREFIX), validate=True)
    signature = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{b64encode(signature).decode()}",
    }
