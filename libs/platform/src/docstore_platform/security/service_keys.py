"""Ed25519 keys by which services prove who they are to each other."""

import base64
import json
import os
from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

OPERATOR = "operator"
"""Caller of the routes that no service calls: a person, or a script."""


class ServiceKeyError(ValueError):
    """A key in the settings is unreadable or missing."""


def new_service_key() -> str:
    """A private key: 32 random bytes, base64url."""
    return _encode(os.urandom(32))


def public_key_of(private_key: str) -> str:
    """Return the public key, base64url."""
    return _encode(load_private_key(private_key).public_key().public_bytes_raw())


def public_keys_json(private_keys: Mapping[str, Iterable[str]]) -> str:
    """Return DOCSTORE_SERVICE_PUBLIC_KEYS for services with these private keys; each may have several."""
    public = {name: [public_key_of(key) for key in keys] for name, keys in private_keys.items()}
    return json.dumps(public, separators=(",", ":"))


def load_private_key(text: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(_decode(text))
    except ValueError:  # its message may contain the key
        raise ServiceKeyError("DOCSTORE_SERVICE_KEY is not 32 bytes in base64url") from None


def load_public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(_decode(text))
    except ValueError:
        raise ServiceKeyError(f"DOCSTORE_SERVICE_PUBLIC_KEYS: {text!r} is not 32 bytes in base64url") from None


def private_key_for(service: str, setting: str) -> str:
    """Return the key of `service` in DOCSTORE_SERVICE_KEY: the key itself, or from a JSON object of keys."""
    if not setting.startswith("{"):
        return setting
    try:
        return str(json.loads(setting)[service])
    except (ValueError, KeyError):
        raise ServiceKeyError(f"DOCSTORE_SERVICE_KEY has no key for {service}") from None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
