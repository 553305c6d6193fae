"""Signed URLs and cookies of a CDN in front of the buckets, as Amazon CloudFront checks them.

Source: "Use signed URLs" (a canned policy) and "Use signed cookies" (a custom policy) in the Amazon CloudFront
Developer Guide: SHA-1, a key of RSA or P-256.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from docstore_platform.clock import Clock
from docstore_platform.settings import InfraSettings

SERVED = ("accounts/", "previews/")
"""Prefixes of the keys that the CDN serves: users' contents from the one bucket, previews from the other."""


@dataclass(frozen=True, slots=True)
class Cdn:
    """Address of the CDN, and the key that it trusts: `private_key` in PEM, whose line ends may be written as `\\n`."""

    url: str
    key_id: str
    private_key: str = field(repr=False)

    @classmethod
    def of(cls, settings: InfraSettings) -> Self | None:
        """The CDN of the settings; None for services that sign nothing for it."""
        key = settings.cdn_private_key.get_secret_value()
        return cls(settings.cdn_url, settings.cdn_key_id, key) if key else None


@dataclass(frozen=True, slots=True)
class SignedCookies:
    """Cookies by name, which open every URL that begins with `prefix` until `expires_at`."""

    prefix: str
    cookies: dict[str, str]
    expires_at: datetime


class CdnSigner:
    """Signs URLs of single objects, and cookies for all objects below a prefix."""

    def __init__(self, cdn: Cdn, clock: Clock) -> None:
        self._origin = cdn.url
        self._clock = clock
        self._signer = CloudFrontSigner(cdn.key_id, _signing(cdn.private_key))

    def url(self, path: str, query: str) -> str:
        """Return a URL of this encoded path and query without a signature, for who has cookies."""
        return f"{self._origin}{path}?{query}"

    def presign(self, path: str, query: str, expires_in: int) -> str:
        """Return a URL of this encoded path and query, valid for `expires_in` seconds."""
        until = self._clock() + timedelta(seconds=expires_in)
        url: str = self._signer.generate_presigned_url(self.url(path, query), date_less_than=until)
        return url

    def cookies(self, path: str, expires_in: int) -> SignedCookies:
        """Return cookies for all URLs below this encoded path, which ends with a slash, for `expires_in` seconds."""
        until = (self._clock() + timedelta(seconds=expires_in)).replace(microsecond=0)
        prefix = f"{self._origin}{path}"
        policy = self._signer.build_policy(f"{prefix}*", until).encode()
        values = {
            "CloudFront-Policy": _cookie_value(policy),
            "CloudFront-Signature": _cookie_value(self._signer.rsa_signer(policy)),
            "CloudFront-Key-Pair-Id": self._signer.key_id,
        }
        return SignedCookies(prefix, values, until)


def _cookie_value(data: bytes) -> str:
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


def _signing(pem: str) -> Callable[[bytes], bytes]:
    """Return the signing function of a private key. ValueError for one that CloudFront does not accept."""
    key = load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    algorithm = SHA1()
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return lambda policy: key.sign(policy, ECDSA(algorithm))
    if isinstance(key, RSAPrivateKey) and key.key_size == 2048:
        return lambda policy: key.sign(policy, PKCS1v15(), algorithm)
    raise ValueError("cdn_private_key: CloudFront accepts keys of RSA with 2048 bits or of the curve P-256")
