"""Signed URLs and forms, by which bytes go straight between clients and the object store."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self
from urllib.parse import quote, urlsplit

from docstore_contents.s3.cdn import SERVED, Cdn, CdnSigner, SignedCookies
from docstore_contents.s3.role_credentials import role_credentials
from docstore_contents.s3.signing import (
    Credentials,
    CredentialsSource,
    PolicyCondition,
    Signer,
    canonical_query,
    encode_key,
)
from docstore_platform.clock import Clock, utc_now
from docstore_platform.http.client_origins import current_origins
from docstore_platform.settings import InfraSettings

ENDPOINTS = 32
"""Signers that are kept; clients use few addresses."""
METADATA_NAME = re.compile(r"[a-z0-9-]+")
METADATA_PREFIX = "x-amz-meta-"
HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class S3Config:
    """Address of the store and credentials; `public_endpoint` is its address for clients.

    Without an access key, credentials come from the AWS environment, such as a role.
    """

    endpoint: str
    public_endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    bucket: str
    session_token: str | None = field(default=None, repr=False)
    path_style: bool = True
    sts_endpoint: str = ""  # empty: the same as `endpoint`
    cdn: Cdn | None = None  # clients download from there
    follows_client: bool = False
    """Whether `public_endpoint` is replaced by the origin of the store that the client of a request uses."""

    @classmethod
    def of(cls, settings: InfraSettings) -> Self:
        """The content bucket of the settings."""
        return cls(
            settings.s3_endpoint,
            settings.public_s3,
            settings.region,
            settings.s3_access_key_id.get_secret_value(),
            settings.s3_secret_access_key.get_secret_value(),
            settings.bucket,
            path_style=settings.s3_path_style,
            sts_endpoint=settings.s3_sts_endpoint,
            cdn=Cdn.of(settings),
            follows_client=True,
        )

    @property
    def has_keys(self) -> bool:
        return bool(self.access_key_id)

    def signer(self, endpoint: str, clock: Clock) -> Signer:
        """A signer of requests to this bucket at `endpoint`."""
        parts = urlsplit(endpoint)
        origin = endpoint if self.path_style else f"{parts.scheme}://{self.bucket}.{parts.netloc}"
        source: Credentials | CredentialsSource = role_credentials()
        if self.has_keys:
            source = Credentials(self.access_key_id, self.secret_access_key, self.session_token)
        return Signer(origin, source, self.region, clock)

    def path(self, key: str) -> str:
        """The path of an object in a URL; the empty key is the bucket itself."""
        return f"/{self.bucket}/{encode_key(key)}" if self.path_style else f"/{encode_key(key)}"


@dataclass(frozen=True, slots=True)
class SignedPut:
    """A URL for PUTs with exactly these headers."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignedForm:
    """An HTML form: POST these fields to `url` as multipart/form-data, then the file as the last field, `file`."""

    url: str
    fields: Mapping[str, str]


def attachment(filename: str) -> str:
    """Return a Content-Disposition (RFC 6266, 5987) that makes a browser save, never show, a file of this name."""
    name = "".join("_" if char in '/\\"' or not char.isprintable() else char for char in filename) or "file"
    fallback = "".join(char if char.isascii() and char not in "%;" else "_" for char in name)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"


def checksum_header(sha256_hex: str) -> str:
    """Return a SHA-256 in the form of the store's headers: base64."""
    return base64.b64encode(bytes.fromhex(sha256_hex)).decode()


def object_headers(
    content_type: str, sha256: str | None = None, metadata: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the headers or form fields to store an object with. ValueError unless all is printable ASCII.

    There is always a content type: without one a store may guess it from the bytes.
    """
    headers = {"content-type": content_type}
    if sha256 is not None:
        headers["x-amz-checksum-sha256"] = checksum_header(sha256)
    for name, value in (metadata or {}).items():
        if not METADATA_NAME.fullmatch(name.lower()):
            raise ValueError("a name of metadata is not printable ASCII")
        headers[METADATA_PREFIX + name.lower()] = value
    for name, value in headers.items():
        if not HEADER_VALUE.fullmatch(value):
            raise ValueError(f"{name} is not printable ASCII")
    return headers


class Presigner:
    """Signs for clients, at the endpoint that they use, without any request to the store. Times are seconds."""

    def __init__(self, config: S3Config, clock: Clock = utc_now) -> None:
        self.config = config
        self._signer_at = lru_cache(maxsize=ENDPOINTS)(lambda endpoint: config.signer(endpoint, clock))
        self._cdn = CdnSigner(config.cdn, clock) if config.cdn else None

    @property
    def public_origin(self) -> str:
        """Origin of the URLs that clients send bytes to."""
        return self._public.origin

    @property
    def _public(self) -> Signer:
        origins = current_origins() if self.config.follows_client else None
        return self._signer_at(origins.store if origins else self.config.public_endpoint or self.config.endpoint)

    def presign_get(
        self, key: str, *, filename: str, content_type: str, expires_in: int, by_cookies: bool = False
    ) -> str:
        """Return a URL that downloads the object as `filename`: always as an attachment, with a declared type.

        It is one of the CDN, if there is one; `by_cookies`: for who has the CDN's cookies, so without a signature.
        """
        query = {
            "response-content-disposition": attachment(filename),
            "response-content-type": object_headers(content_type)["content-type"],
        }
        if self._cdn is not None and key.startswith(SERVED):
            path, encoded = f"/{encode_key(key)}", canonical_query(query)
            return self._cdn.url(path, encoded) if by_cookies else self._cdn.presign(path, encoded, expires_in)
        return self._public.presign("GET", self.config.path(key), expires_in=expires_in, query=query)

    def cookies(self, prefix: str, *, expires_in: int) -> SignedCookies | None:
        """Return cookies of the CDN for all objects whose keys begin with `prefix`; None if there is no CDN."""
        return self._cdn.cookies(f"/{encode_key(prefix)}", expires_in) if self._cdn is not None else None

    def presign_put(
        self,
        key: str,
        *,
        size: int | None,
        content_type: str,
        expires_in: int,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
        overwrite: bool = True,
    ) -> SignedPut:
        """Sign one PUT of exactly `size` bytes (None: any number), and of the content `sha256` (hex) if given.

        Without `overwrite` the store refuses to replace an existing object with 412.
        """
        headers = object_headers(content_type, sha256, metadata)
        if size is not None:
            headers = {"content-length": str(size), **headers}
        if not overwrite:
            headers["if-none-match"] = "*"
        path = self.config.path(key)
        return SignedPut(self._public.presign("PUT", path, expires_in=expires_in, headers=headers), headers)

    def presign_part(self, key: str, upload_id: str, number: int, *, size: int, expires_in: int) -> str:
        """Sign one part, counted from 1, of exactly `size` bytes; the client's HTTP library sends Content-Length."""
        return self._public.presign(
            "PUT",
            self.config.path(key),
            expires_in=expires_in,
            query={"partNumber": str(number), "uploadId": upload_id},
            headers={"content-length": str(size)},
        )

    def presign_post(
        self,
        key: str,
        *,
        min_size: int,
        max_size: int,
        content_type: str,
        expires_in: int,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
        metadata_inputs: Sequence[str] = (),
        redirect: str | None = None,
    ) -> SignedForm:
        """Sign a form for one file of `min_size` to `max_size` bytes; afterwards the browser goes to `redirect`.

        `metadata_inputs`: names of metadata whose values the person enters, in fields `x-amz-meta-NAME`.
        """
        fields = object_headers(content_type, sha256, metadata)
        fields["Content-Type"] = fields.pop("content-type")
        if redirect is not None:
            fields["success_action_redirect"] = redirect
        conditions: list[PolicyCondition] = [["content-length-range", min_size, max_size]]
        conditions += [["starts-with", f"${METADATA_PREFIX}{name}", ""] for name in metadata_inputs]
        form = self._public.presign_post(
            self.config.bucket, key, expires_in=expires_in, fields=fields, conditions=conditions
        )
        return SignedForm(f"{self._public.origin}{self.config.path('')}".removesuffix("/"), form)
