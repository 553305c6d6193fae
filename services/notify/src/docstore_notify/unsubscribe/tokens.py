"""Signed tokens to unsubscribe from a mail without a login."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from docstore_notify.domain import Delivery, Kind
from docstore_notify.shares.rules import address_hash
from docstore_platform.errors import not_found

MAX_TOKEN_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Statement:
    """Contents of a token."""

    kind: Kind
    receiver: str
    """The account; for an invitation, the hash of its address."""
    delivery_id: str


class UnsubscribeTokens:
    """Signs and verifies tokens. They never expire: people unsubscribe from old mails too."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), b"docstore unsubscribe 1", hashlib.sha256) for secret in secrets]

    def of(self, delivery: Delivery) -> str:
        invited = delivery.kind == "invitation" and delivery.target is not None
        receiver = address_hash(delivery.target.address) if invited and delivery.target else delivery.account_id
        payload = orjson.dumps([delivery.kind, receiver, delivery.id])
        return f"{_text(payload)}.{_text(_signature(self._keys[0], payload))}"

    def read(self, token: str) -> Statement:
        """Verify a token; 404 if it is invalid."""
        payload_text, _, signature_text = token[:MAX_TOKEN_CHARS].partition(".")
        try:
            payload, signature = _bytes(payload_text), _bytes(signature_text)
        except (ValueError, binascii.Error):
            raise not_found("e-mail to unsubscribe from") from None
        if not any(hmac.compare_digest(signature, _signature(key, payload)) for key in self._keys):
            raise not_found("e-mail to unsubscribe from")
        kind, receiver, delivery_id = orjson.loads(payload)
        return Statement(kind, receiver, delivery_id)


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(data) != text:
        raise ValueError("invalid base64")
    return data
