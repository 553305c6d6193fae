"""Rules of previews: versions that may have one, and the renditions of their contents. Standard library only."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from docstore_media.kinds import Kind

Size = Literal["small", "large"]
Format = Literal["webp", "jpeg", "png"]
Fit = Literal["contain", "cover"]
PIXELS: dict[Size, int] = {"small": 320, "large": 1600}
"""Longest side of a rendition; it is never larger than the original."""
MAX_PICTURE_BYTES = 2 << 20
"""Limit for a picture, since no quota counts it; a photo's is a tenth of that."""
PICTURE_TYPE = "image/webp"
MAX_SIDE = 4096
"""Longest side of a variant."""
MAX_VARIANT_BYTES = 8 << 20
VARIANT = "variant"
"""Name of a variant in a worker's response, where previews have their size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A version that needs a preview. `revision`: the file's in the event; `size` in bytes."""

    file_id: str
    version: int
    revision: int
    owner_id: str
    kind: Kind
    sha256: str
    """As upload has verified it; empty if only the sender declared it."""
    size: int
    object_key: str
    traceparent: str | None = None

    @property
    def key(self) -> str:
        return version_key(self.file_id, self.version)

    @property
    def content(self) -> str:
        """Key of the rendition: same content, same account, same kind.

        Unverified contents are the same only if they are stored under the same key, as copies are: otherwise an editor
        could see or choose the preview of another file by declaring its SHA-256.
        """
        return f"{self.owner_id}:{self.kind}:{self.sha256 or self.object_key}"


def version_key(file_id: str, version: int) -> str:
    return f"{file_id}:{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """The pictures of a content, or the work to render them."""

    id: str
    owner_id: str
    kind: Kind
    size: int
    attempts: int
    waits: int
    """Retries that are not the content's fault."""
    lease_owner: str
    traceparent: str | None

    def object_key(self, size: Size) -> str:
        return rendition_key(self.owner_id, self.id, size)


def rendition_key(owner_id: str, rendition_id: str, size: Size) -> str:
    """Return the object key of a picture in the processed bucket."""
    return f"previews/{owner_id}/{rendition_id}/{size}.webp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A picture that a reader asks for, never larger than the original. `contain`: the whole, within width and height;
    `cover`: cropped to their shape.
    """

    width: int = PIXELS["large"]
    height: int = PIXELS["large"]
    fit: Fit = "contain"
    format: Format = "webp"
    page: int = 1
    second: float | None = None
    """Of a video; None: of its beginning."""
    is_video: bool = False
    """An MP4 of the whole video that every browser plays, instead of a picture."""
    watermark: str = ""
    """Text that is drawn all over the picture."""
    is_pdf: bool = False
    """The PDF of an Office document, for rendering its pages; no reader gets it."""

    @property
    def key(self) -> str:
        """Name of the object, too."""
        if self.is_video:
            return "rendition.mp4"
        if self.is_pdf:
            return "document.pdf"
        place = self.page if self.second is None else f"{self.second:.1f}s"
        mark = f"-{hashlib.sha256(self.watermark.encode()).hexdigest()[:32]}" if self.watermark else ""
        return f"{self.width}x{self.height}-{self.fit}-{place}{mark}.{self.format}"

    @property
    def content_type(self) -> str:
        if self.is_pdf:
            return "application/pdf"
        return "video/mp4" if self.is_video else f"image/{self.format}"

    def scale(self, width: float, height: float) -> float:
        """Return the factor by which an original of this size becomes as large as asked for."""
        factors = self.width / width, self.height / height
        return max(factors) if self.fit == "cover" else min(factors)


@dataclass(frozen=True, slots=True)
class VideoPart:
    """A part of a video under conversion: its name, and the second it ends at."""

    name: str
    end: float
    is_stored: bool = False
    """False: it may be stored, or incomplete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A picture of a content as a reader has asked for it, or the work to render it."""

    rendition_id: str
    owner_id: str
    kind: Kind
    size: int
    """Of the content."""
    spec: Spec
    attempts: int = 0
    waits: int = 0
    lease_owner: str = ""
    parts: tuple[VideoPart, ...] = ()
    """Of a video whose conversion has begun, in order."""

    @property
    def id(self) -> str:
        return f"{self.rendition_id}/{self.spec.key}"

    @property
    def object_key(self) -> str:
        return f"previews/{self.owner_id}/{self.id}"

    def part_key(self, part: VideoPart) -> str:
        """Return its object key."""
        return f"{self.object_key}.parts/{part.name}"


def pdf_of(content: Rendition | Variant) -> Variant:
    """Return the PDF of an Office document, as a variant of it."""
    rendition_id = content.id if isinstance(content, Rendition) else content.rendition_id
    return Variant(
        rendition_id=rendition_id,
        owner_id=content.owner_id,
        kind=content.kind,
        size=content.size,
        spec=Spec(is_pdf=True),
    )


MAX_FACT_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts in a content. Its author may have written anything there."""

    width: int | None = None
    """In pixels, upright."""
    height: int | None = None
    pages: int | None = None
    taken_at: str | None = None
    """By the camera's clock, `YYYY-MM-DDTHH:MM:SS`; most cameras do not say in which time zone."""
    camera: str | None = None
    orientation: int | None = None
    """How the camera was held, 1 to 8 as in EXIF."""
    latitude: float | None = None
    """Degrees, south and west negative."""
    longitude: float | None = None
    seconds: float | None = None
    """Length of a video."""

    def as_shown(self) -> "Facts":
        """Return what a picture of the content shows, too: nothing of who took it, when and where."""
        return Facts(width=self.width, height=self.height, pages=self.pages, seconds=self.seconds)

    @classmethod
    def of(cls, found: object) -> "Facts":
        """Take what is plausible from a worker's response, which a malicious content may have forged."""
        given = found if isinstance(found, dict) else {}
        return cls(**{name: given[name] for name, is_plausible in _PLAUSIBLE.items() if is_plausible(given.get(name))})


def _number(least: float, most: float, *types: type) -> Callable[[object], bool]:
    return lambda value: type(value) in types and least <= value <= most  # type: ignore[operator]


def _is_moment(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", value, re.ASCII) is not None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_FACT_CHARS and value.isprintable()


_PLAUSIBLE: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("width", "height", "pages"), _number(1, 1 << 31, int)),
    "taken_at": _is_moment,
    "camera": _is_name,
    "orientation": _number(1, 8, int),
    "latitude": _number(-90, 90, float),
    "longitude": _number(-180, 180, float),
    "seconds": _number(0, 1 << 31, float),
}


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Rendered:
    """The pictures of a content, and the facts in it."""

    pictures: dict[Size, bytes]
    facts: Facts


class RenderFailed(Exception):
    """A content can permanently not be rendered; `reason` is a stable code for events."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


REASONS = frozenset(
    {
        "archived",
        "content_missing",
        "corrupt",
        "encrypted",
        "no_such_page",
        "out_of_memory",
        "parser_crashed",
        "timed_out",
        "too_large",
        "unsupported",
    }
)
CONTENT_REASONS = frozenset({"corrupt", "encrypted", "no_such_frame", "no_such_page", "too_large"})
"""Reasons that depend on the content only, so that a retry is useless."""
