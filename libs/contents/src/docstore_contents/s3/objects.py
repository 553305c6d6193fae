"""What the store knows of an object."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from docstore_contents.s3.presigned import METADATA_PREFIX
from docstore_contents.s3.transport import ObjectNotFound, S3Transport


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Properties of an object. `sha256` (hex) only if the store verified one on upload."""

    key: str
    size: int
    etag: str
    sha256: str | None
    content_type: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in a listing; `size` in bytes."""

    key: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of an object of `size` bytes in all."""

    etag: str
    size: int
    data: bytes


async def head_object(transport: S3Transport, key: str) -> ObjectInfo | None:
    """Return an object's properties; None if it does not exist. ObjectStoreError."""
    try:
        headers, _ = await transport.request("HEAD", key, headers={"x-amz-checksum-mode": "ENABLED"})
    except ObjectNotFound:
        return None
    return object_info(key, headers)


def object_info(key: str, headers: Mapping[str, str]) -> ObjectInfo:
    """Read the properties of `key` from the headers of a response."""
    checksum = headers.get("x-amz-checksum-sha256", "-")
    return ObjectInfo(
        key=key,
        size=int(headers["content-length"]),
        etag=headers["etag"].strip('"'),
        # "...-3" is a checksum of the checksums of three parts, not of the content
        sha256=None if "-" in checksum else base64.b64decode(checksum).hex(),
        content_type=headers.get("content-type", "application/octet-stream"),
        metadata={
            name.lower().removeprefix(METADATA_PREFIX): value
            for name, value in headers.items()
            if name.lower().startswith(METADATA_PREFIX)
        },
    )
