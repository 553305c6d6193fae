"""AWS Signature Version 4 for S3, optimized: about 20 us a signature, where botocore takes 300-600.

Source: "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API Reference. The tests compare every
signature with botocore's.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, urlsplit

from docstore_platform.clock import Clock, utc_now

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICES_AGENT = "docstore-services"
"""User agent of the services, which distinguishes their requests from those with signed URLs in an access log."""
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
LONGEST_EXPIRY = 7 * 24 * 3600  # seconds; S3 refuses more

PolicyCondition = Mapping[str, str] | Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Credentials:
    """An S3 access key; `session_token` only for temporary ones."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


CredentialsSource = Callable[[], Credentials]
"""Returns the current keys without waiting."""


def _always(credentials: Credentials) -> CredentialsSource:
    return lambda: credentials


@lru_cache(maxsize=64)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def encode_key(key: str) -> str:
    """Encode an object key for a URL's path: S3 normalizes nothing, so `//` and `..` stay."""
    return quote(key, safe="/")


def canonical_query(query: Mapping[str, str]) -> str:
    """Return the query, percent-encoded and sorted by encoded name, as it is signed and sent."""
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def canonical_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the canonical headers and their names. ValueError for a value that no header may have."""
    canonical = {}
    for name, value in headers.items():
        if not value.isprintable():
            raise ValueError(f"header {name} has control characters")
        canonical[name.lower()] = " ".join(value.split())
    names = sorted(canonical)
    return "".join([f"{name}:{canonical[name]}\n" for name in names]), ";".join(names)


def host_header(endpoint: str) -> str:
    """Return the client's Host header for this endpoint: without the scheme's default port."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    default_port = {"http": 80, "https": 443}.get(parts.scheme)
    return host if parts.port in (None, default_port) else f"{host}:{parts.port}"


class Signer:
    """Signs requests to one endpoint (scheme, host and port) with one identity. Paths must be encoded."""

    def __init__(
        self, endpoint: str, credentials: Credentials | CredentialsSource, region: str, clock: Clock = utc_now
    ) -> None:
        parts = urlsplit(endpoint)
        self.host = host_header(endpoint)
        self.origin = f"{parts.scheme}://{self.host}"
        self.region = region
        self._credentials = _always(credentials) if isinstance(credentials, Credentials) else credentials
        self._clock = clock

    def presign(
        self,
        method: str,
        path: str,
        *,
        expires_in: int,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Return a URL for this method, path and exactly these headers, valid for `expires_in` seconds."""
        if not 1 <= expires_in <= LONGEST_EXPIRY:
            raise ValueError(f"expires_in must be 1 to {LONGEST_EXPIRY} seconds")
        keys = self._credentials()
        stamp, scope = self._stamp_and_scope()
        block, names = canonical_headers({**(headers or {}), "host": self.host})
        parameters = {
            **(query or {}),
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{keys.access_key_id}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(expires_in),
            "X-Amz-SignedHeaders": names,
        }
        if keys.session_token is not None:
            parameters["X-Amz-Security-Token"] = keys.session_token
        query_string = canonical_query(parameters)
        request = f"{method}\n{path}\n{query_string}\n{block}\n{names}\n{UNSIGNED_PAYLOAD}"
        signature = self._sign_request(keys, request, stamp, scope)
        return f"{self.origin}{path}?{query_string}&X-Amz-Signature={signature}"

    def sign(
        self,
        method: str,
        path: str,
        *,
        payload_sha256: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Return URL and headers of a request whose body has this SHA-256 (hex, or UNSIGNED_PAYLOAD)."""
        keys = self._credentials()
        stamp, scope = self._stamp_and_scope()
        sent = {**(headers or {}), "x-amz-content-sha256": payload_sha256, "x-amz-date": stamp}
        if keys.session_token is not None:
            sent["x-amz-security-token"] = keys.session_token
        block, names = canonical_headers({**sent, "host": self.host})
        query_string = canonical_query(query) if query else ""
        request = f"{method}\n{path}\n{query_string}\n{block}\n{names}\n{payload_sha256}"
        signature = self._sign_request(keys, request, stamp, scope)
        credential = f"{keys.access_key_id}/{scope}"
        sent["authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return f"{self.origin}{path}{'?' if query_string else ''}{query_string}", sent

    def presign_post(
        self,
        bucket: str,
        key: str,
        *,
        expires_in: int,
        fields: Mapping[str, str] | None = None,
        conditions: Sequence[PolicyCondition] = (),
    ) -> dict[str, str]:
        """Return the fields of an HTML form that can store this one key; each of `fields` must have its exact value.

        `conditions`: further policy conditions, e.g. `["content-length-range", 1, 4096]`.
        """
        if "${filename}" in key:
            raise ValueError("S3 would replace ${filename}: the key would not be fixed")
        keys = self._credentials()
        now = self._clock()
        stamp, scope = self._stamp_and_scope(now)
        credential = f"{keys.access_key_id}/{scope}"
        form = {
            **(fields or {}),
            "key": key,
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": credential,
            "x-amz-date": stamp,
        }
        if keys.session_token is not None:
            form["x-amz-security-token"] = keys.session_token
        policy = {
            "expiration": (now + timedelta(seconds=expires_in)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "conditions": [*conditions, {"bucket": bucket}, *({name: value} for name, value in form.items())],
        }
        form["policy"] = base64.b64encode(json.dumps(policy).encode()).decode()
        form["x-amz-signature"] = self._sign_text(keys, form["policy"], stamp)
        return form

    def _stamp_and_scope(self, now: datetime | None = None) -> tuple[str, str]:
        stamp = (now or self._clock()).strftime("%Y%m%dT%H%M%SZ")
        return stamp, f"{stamp[:8]}/{self.region}/s3/aws4_request"

    def _sign_request(self, keys: Credentials, canonical_request: str, stamp: str, scope: str) -> str:
        digest = hashlib.sha256(canonical_request.encode()).hexdigest()
        return self._sign_text(keys, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}", stamp)

    def _sign_text(self, keys: Credentials, text: str, stamp: str) -> str:
        key = _signing_key(keys.secret_access_key, stamp[:8], self.region, "s3")
        return hmac.digest(key, text.encode(), "sha256").hex()
