"""Requests and responses of the routes by which contents are read."""

from pydantic import Field

from docstore_platform.answers import Answer, ItemProblem, sometimes
from docstore_platform.bodies import Body
from docstore_platform.values import Id, Sha256, VersionNumber

MAX_ITEMS = 1000


class WantedItem(Body):
    id: Id
    version: VersionNumber | None = Field(None, description="the current one if none is given")


class WantedItems(Body):
    items: list[WantedItem] = Field(max_length=MAX_ITEMS, fail_fast=True)


class Block(Answer):
    """A piece of a file's content."""

    hash: Sha256
    """SHA-256 of the bytes before they were compressed."""
    size: int
    """Bytes, before compression."""
    url: str
    """Signed, good for some minutes: the block as one zstd frame."""


class BlockList(Answer):
    """What a content is made of, in its order."""

    version: int
    """The version that this is the content of."""
    size: int
    """Bytes of the whole content."""
    sha256: Sha256
    """Of the whole content."""
    cursor: str = sometimes()
    """Given as `cursor`, it goes on in this version; left out behind the last block."""
    blocks: list[Block]
    """In the order of the content."""


class ContentLocation(Answer):
    """Where a content is fetched."""

    id: str
    """Of the file."""
    version: int
    """Of the file."""
    size: int
    """Bytes."""
    sha256: Sha256
    """SHA-256 of the content, in hexadecimal digits."""
    direct: bool
    """Whether `url` is signed and leads to the object store; else it is a path of this API."""
    url: str
    """Signed, it is good for some minutes; a path is called like this API."""
    offset: int = sometimes()
    """Where the content begins, in bytes, in what `url` gives; only where it gives more than this content."""


class ContentLocations(Answer):
    """An answer for each that was asked for, in that order."""

    results: list[ContentLocation | ItemProblem]
    """In the order asked for."""
