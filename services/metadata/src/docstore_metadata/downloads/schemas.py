"""Requests and responses of downloads."""

from datetime import datetime

from pydantic import Field

from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ItemProblem, ResponseModel, omittable
from docstore_platform.http.values import Id, Sha256, VersionNumber

MAX_ITEMS = 1000


class WantedItem(RequestModel):
    id: Id
    """Id of the file."""
    version: VersionNumber | None = Field(None, description="the current one if none is given")


class WantedItems(RequestModel):
    items: list[WantedItem] = Field(max_length=MAX_ITEMS, fail_fast=True)
    """Files and versions."""
    signed: bool = Field(True, description="false: URLs of own contents for who has signed cookies")


class Block(ResponseModel):
    """A block of a file's content."""

    hash: Sha256
    """SHA-256 of the bytes before they were compressed."""
    size: int
    """Bytes, before compression."""
    url: str
    """The block as one zstd frame. Signed, valid for some minutes; without `signed`, an own block's needs cookies."""


class BlockList(ResponseModel):
    """The blocks of a content, in order."""

    version: int
    """The version of the content."""
    size: int
    """Bytes of the whole content."""
    sha256: Sha256
    """Of the whole content."""
    cursor: str = omittable()
    """Given as `cursor`, continues in this version; absent on the last page."""
    blocks: list[Block]
    """In the order of the content."""


class ContentLocation(ResponseModel):
    """The location of a content."""

    id: str
    """Of the file."""
    version: int
    """Of the file."""
    size: int
    """Bytes."""
    sha256: Sha256
    """SHA-256 of the content, in hexadecimal digits."""
    direct: bool
    """Whether `url` is a signed URL of the object store; else it is a path of this API."""
    url: str
    """A signed URL is valid for some minutes, an unsigned one needs cookies; a path is one of this API."""
    offset: int = omittable()
    """Where the content begins, in bytes, in the response of `url`; only if that contains more than this content."""


class ContentCookies(ResponseModel):
    """Signed cookies of the CDN."""

    prefix: str
    """They open every URL that begins so, and are to be sent to no other."""
    cookies: dict[str, str]
    """Values by name, for a header `Cookie`."""
    expires_at: datetime
    """When they end, as signed URLs of now do."""


class ContentLocations(ResponseModel):
    """A location or problem for each requested item."""

    results: list[ContentLocation | ItemProblem]
    """In the requested order."""
