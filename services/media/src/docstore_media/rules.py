"""What media speaks of: versions that may have a preview, the renditions of their contents. Standard library only."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal

Size = Literal["small", "large"]
PIXELS: dict[Size, int] = {"small": 320, "large": 1600}
"""No side of a rendition is longer, and none is longer than in the original."""
MAX_PICTURE_BYTES = 2 << 20
"""Nobody's storage counts a picture, and lists are full of them; what a photo gives is a tenth of that."""
PICTURE_TYPE = "image/webp"


class Kind(StrEnum):
    """What a preview is made of."""

    IMAGE = "image"
    PDF = "pdf"


_TYPES = {
    **dict.fromkeys(
        ("image/avif", "image/bmp", "image/gif", "image/jpeg", "image/png", "image/tiff", "image/webp"), Kind.IMAGE
    ),
    "application/pdf": Kind.PDF,
}
_EXTENSIONS = {
    **dict.fromkeys((".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"), Kind.IMAGE),
    ".pdf": Kind.PDF,
}
_SAY_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Types that are declared where nobody knows a better one."""


def kind_of(content_type: str, name: str) -> Kind | None:
    """By the declared type, and where that says nothing by the name; None: it has no preview."""
    declared = content_type.partition(";")[0].strip().lower()
    if declared in _SAY_NOTHING:
        return _EXTENSIONS.get(PurePosixPath(name).suffix.lower())
    return _TYPES.get(declared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A version of a file that is to have a preview. `revision`: the file's, when it was heard of; `size` in bytes."""

    file_id: str
    version: int
    revision: int
    owner_id: str
    kind: Kind
    sha256: str
    """As upload has verified it; empty if it is only what the sender said."""
    size: int
    object_key: str
    traceparent: str | None = None

    @property
    def key(self) -> str:
        return version_key(self.file_id, self.version)

    @property
    def content(self) -> str:
        """What one rendition is enough for: the same content of the same account, read as the same kind.

        What nobody has verified is the same only where it is stored under the same key, as copies are: an editor must
        not be shown, nor choose, the preview of another file by naming its SHA-256.
        """
        return f"{self.owner_id}:{self.kind}:{self.sha256 or self.object_key}"


def version_key(file_id: str, version: int) -> str:
    return f"{file_id}:{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """The pictures of a content, or the work of making them."""

    id: str
    owner_id: str
    kind: Kind
    size: int
    attempts: int
    waits: int
    """How often it was put off without fault of the content's."""
    lease_owner: str
    traceparent: str | None

    def object_key(self, size: Size) -> str:
        return rendition_key(self.owner_id, self.id, size)


def rendition_key(owner_id: str, rendition_id: str, size: Size) -> str:
    """Where a picture is in the processed bucket."""
    return f"previews/{owner_id}/{rendition_id}/{size}.webp"


class RenderFailed(Exception):
    """No picture can be made of a content, for a lasting reason; `reason` is a stable code for events."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


REASONS = frozenset(
    {"content_missing", "corrupt", "encrypted", "out_of_memory", "parser_crashed", "timed_out", "too_large"}
)
OF_THE_BYTES = frozenset({"corrupt", "encrypted", "too_large"})
"""Reasons that the content is itself: another time nothing else would come of it."""
