"""Request and response models of blocks."""

from typing import Annotated

from pydantic import Field

from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ResponseModel
from docstore_platform.http.values import WHOLE, Sha256
from docstore_upload.blocks.rules import MAX_FRAME_BYTES


class MissingBlock(ResponseModel):
    """A block to send, by a PUT."""

    hash: Sha256
    """SHA-256 of the block, in hexadecimal digits."""
    url: str
    """Signed URL, valid for some minutes."""
    headers: dict[str, str]
    """Headers to send exactly so: they are signed."""


class MissingBlocks(ResponseModel):
    """Those of the requested blocks that are not stored."""

    missing: list[MissingBlock]
    """In the order of the request."""


Sizes = Annotated[
    dict[Sha256, Annotated[int, Field(ge=1, le=MAX_FRAME_BYTES), WHOLE]],
    Field(max_length=1000, json_schema_extra={"additionalProperties": False}),
]
"""Lengths of frames by the blocks' hashes; the document would allow other names, too."""


class MissingRequest(RequestModel):
    """Blocks by the SHA-256 of their bytes; `sizes`: the length of each frame to send, by the same hash."""

    hashes: list[Sha256] = Field(min_length=1, max_length=1000, fail_fast=True)
    """SHA-256 of each block before compression."""
    sizes: Sizes | None = None
    """Bytes of each compressed block by its hash, so that the signed URL accepts exactly that many."""
