"""Keys that identify this server to push services (VAPID, RFC 8292)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from docstore_notify.push_subscriptions.rules import encoded

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (FIPS 186-5): private keys are from 1 to less than this."""
LIFETIME = timedelta(hours=12)
"""Of a signature; push services accept a day at most."""


class VapidKeys:
    """Key pairs derived from the operator's secrets: the first is for new browsers, the others keep working."""

    def __init__(self, secrets: Sequence[str], contact: str) -> None:
        """`contact`: `mailto:` or https URL by which a push service reaches the operator."""
        self._contact = contact
        self._keys = {public_key(key): key for key in map(_derived, secrets)}

    @property
    def current(self) -> str:
        """The public key for new browsers; empty without secrets."""
        return next(iter(self._keys), "")

    def authorization(self, endpoint: str, server_key: str, now: datetime) -> str | None:
        """Return the header for a message to a browser that was registered with `server_key`; None if it is lost."""
        key = self._keys.get(server_key)
        if key is None:
            return None
        parts = urlsplit(endpoint)
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int((now + LIFETIME).timestamp())}
        token = jwt.encode({**claims, "sub": self._contact}, key, algorithm="ES256")
        return f"vapid t={token}, k={server_key}"


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    return encoded(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _derived(secret: str) -> ec.EllipticCurvePrivateKey:
    """Derive a key from a secret of any form (FIPS 186-5, A.2.1: 64 more bits than the order)."""
    seed = HKDF(SHA256(), 40, salt=None, info=b"docstore web push").derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(seed) % (ORDER - 1) + 1, ec.SECP256R1())
