"""Renders pictures of untrusted files in a worker process, so that a compromised parser can take nothing.

Metadata of a file, such as author, place, camera and colour profile, is not in its pictures. What people look for in it
(`facts.py`) is returned beside them.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import font_roboto
import pi_heif
import pypdfium2
import resvg_py
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from docstore_media.kinds import Kind
from docstore_media.rendering.facts import Found, facts_of, is_turned
from docstore_media.rendering.watermarks import mark
from docstore_media.rules import MAX_SIDE, PIXELS, Format, RenderFailed, Size, Spec

FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP")
_OPTIONS: dict[Format, dict[str, Any]] = {
    "webp": {"quality": 80, "method": 4},
    "jpeg": {"quality": 85, "optimize": True},
    "png": {},
}
_QUICKLY = {"method": 0}
"""For pictures with a text of their own, which readers wait for: somewhat larger, in a third of the time."""
_SVG_TRIAL = 64
_FAMILIES = ("font_family", "sans_serif_family", "serif_family", "monospace_family", "cursive_family", "fantasy_family")
_FONTS: dict[str, Any] = {"font_dirs": [font_roboto.font_directory], **dict.fromkeys(_FAMILIES, "Roboto")}
"""For text in fonts that the host does not have; containers have none."""
MAX_PAGE_SIDE = 2 * MAX_SIDE
_ENCRYPTED = 4  # FPDF_ERR_PASSWORD
_DECODED_MODES = ("RGB", "RGBA")


def load_formats() -> None:
    """Load all image decoders."""
    Image.init()
    pi_heif.register_heif_opener()


def render(path: Path, kind: Kind, max_pixels: int) -> tuple[dict[Size, bytes], Found]:
    """Return the picture of each size, in WebP, and the facts in the content. Raises RenderFailed."""
    picture, found = _READERS[kind](path, max_pixels, Spec())
    made: dict[Size, bytes] = {}
    for size in sorted(PIXELS, key=PIXELS.__getitem__, reverse=True):
        picture.thumbnail((PIXELS[size], PIXELS[size]), Image.Resampling.LANCZOS)
        made[size] = _encoded(picture, "webp")
    return made, found


def render_variant(path: Path, kind: Kind, max_pixels: int, spec: Spec) -> bytes:
    """Return the picture that a reader asked for. Raises RenderFailed."""
    picture, _ = _READERS[kind](path, max_pixels, spec)
    if spec.fit == "cover":
        shrink = min(1.0, picture.width / spec.width, picture.height / spec.height)
        shape = (max(1, round(spec.width * shrink)), max(1, round(spec.height * shrink)))
        picture = ImageOps.fit(picture, shape, Image.Resampling.LANCZOS)
    else:
        picture.thumbnail((spec.width, spec.height), Image.Resampling.LANCZOS)
    return _encoded(picture, spec.format, spec.watermark)


def _encoded(picture: Image.Image, form: Format, watermark: str = "") -> bytes:
    _to_srgb(picture)
    if watermark:
        mark(picture, watermark)
    if form == "jpeg" and picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    out = BytesIO()
    picture.save(out, form, **_OPTIONS[form] | (_QUICKLY if watermark and form == "webp" else {}))
    return out.getvalue()


def _to_srgb(picture: Image.Image) -> None:
    """Apply the colour profile, which may be large or malicious, so that it need not be stored."""
    profile = picture.info.pop("icc_profile", None)
    if profile:
        with suppress(ImageCms.PyCMSError):  # invalid profile: keep the levels
            ImageCms.profileToProfile(picture, BytesIO(profile), ImageCms.createProfile("sRGB"), inPlace=True)
            del picture.info["icc_profile"]


def image(path: Path, max_pixels: int, spec: Spec) -> tuple[Image.Image, Found]:
    """Return the first frame, upright, large enough for `spec` if the original is."""
    with _opened(path, FORMATS, max_pixels) as opened:
        found = facts_of(opened)
        opened.draft("RGB", _needed(opened, spec))  # a JPEG is decoded at a fraction of its size
        opened.load()
        return _upright(opened), found


@contextmanager
def _opened(source: Path | BytesIO, formats: tuple[str, ...], max_pixels: int) -> Iterator[Image.Image]:
    Image.MAX_IMAGE_PIXELS = max_pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(source, formats=formats) as opened:
            yield opened
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise RenderFailed("too_large") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise RenderFailed("corrupt") from error


def _needed(opened: Image.Image, spec: Spec) -> tuple[int, int]:
    """Return the size that suffices for `spec`, before the picture is turned upright."""
    width, height = opened.size
    scale = spec.scale(height, width) if is_turned(opened) else spec.scale(width, height)
    return math.ceil(width * scale), math.ceil(height * scale)


def svg(path: Path, max_pixels: int, spec: Spec) -> tuple[Image.Image, Found]:
    """Draw a vector image. Its scripts, links and references to other files mean nothing to the library."""
    try:
        text = path.read_text("utf-8-sig")
        with _drawn(text, max_pixels, width=_SVG_TRIAL) as trial:  # its shape: one side follows from the other
            scale = spec.scale(*trial.size)
            side = {"width": trial.width} if trial.width >= trial.height else {"height": trial.height}
        longest = min(MAX_SIDE, *(math.ceil(value * scale) for value in side.values()))
        with _drawn(text, max_pixels, **dict.fromkeys(side, longest)) as drawn:
            return drawn.convert("RGBA"), {}
    except UnicodeDecodeError as error:
        raise RenderFailed("corrupt") from error


@contextmanager
def _drawn(text: str, max_pixels: int, **side: int) -> Iterator[Image.Image]:
    try:
        data = resvg_py.svg_to_bytes(svg_string=text, **_FONTS, **side)  # type: ignore[arg-type]
    except ValueError as error:
        raise RenderFailed("corrupt") from error
    with _opened(BytesIO(data), ("PNG",), max_pixels) as drawn:
        yield drawn


def _upright(opened: Image.Image) -> Image.Image:
    picture = ImageOps.exif_transpose(opened)
    if picture.mode not in _DECODED_MODES:
        profile = (
            picture.info.get("icc_profile") if picture.mode in ("P", "PA") else None
        )  # otherwise its colours change
        transparent = picture.mode in ("LA", "PA", "La") or "transparency" in picture.info
        picture = _to_eight_bits(picture).convert("RGBA" if transparent else "RGB")
        picture.info["icc_profile"] = profile
    return picture


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Keep the upper bits of 16-bit levels: a plain conversion would clip bright ones."""
    return picture.point(lambda level: level / 256).convert("L") if picture.mode.startswith("I") else picture


def pdf_page(path: Path, max_pixels: int, spec: Spec) -> tuple[Image.Image, Found]:
    """Render a PDF's page on white, as large as `spec` needs, and count the pages."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            if not len(document):
                raise RenderFailed("corrupt")
            if spec.page > len(document):
                raise RenderFailed("no_such_page")
            page = document[spec.page - 1]
            width, height = page.get_size()
            if width <= 0 or height <= 0:
                raise RenderFailed("corrupt")
            scale = min(spec.scale(width, height), MAX_PAGE_SIDE / max(width, height))
            bitmap = page.render(scale=scale, may_draw_forms=False)
            picture: Image.Image = bitmap.to_pil().convert("RGB")
            return picture, {"pages": len(document)}
    except pypdfium2.PdfiumError as error:
        raise RenderFailed("encrypted" if getattr(error, "err_code", None) == _ENCRYPTED else "corrupt") from error


_READERS: dict[Kind, Callable[[Path, int, Spec], tuple[Image.Image, Found]]] = {
    Kind.IMAGE: image,
    Kind.PDF: pdf_page,
    Kind.SVG: svg,
}
"""Each returns a picture to shrink, large enough for the Spec if the original is, and the fields of `Facts`."""
