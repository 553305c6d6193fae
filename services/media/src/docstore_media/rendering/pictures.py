"""Renders pictures of untrusted files in a worker process, so that a compromised parser can take nothing.

Metadata of a file, such as author, place, camera and colour profile, is not in its renditions.
"""

import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pypdfium2
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from docstore_media.rules import PIXELS, Kind, RenderFailed, Size

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
QUALITY = 80
_ENCRYPTED = 4  # FPDF_ERR_PASSWORD
_DECODED_MODES = ("RGB", "RGBA")


def load_formats() -> None:
    """Load all image decoders."""
    Image.init()


def render(path: Path, kind: Kind, max_pixels: int) -> dict[Size, bytes]:
    """Return the picture of each size, in WebP. Raises RenderFailed."""
    picture = first_page(path) if kind is Kind.PDF else image(path, max_pixels)
    made: dict[Size, bytes] = {}
    for size in sorted(PIXELS, key=PIXELS.__getitem__, reverse=True):
        picture.thumbnail((PIXELS[size], PIXELS[size]), Image.Resampling.LANCZOS)
        _to_srgb(picture)
        out = BytesIO()
        picture.save(out, "WEBP", quality=QUALITY, method=4)
        made[size] = out.getvalue()
    return made


def _to_srgb(picture: Image.Image) -> None:
    """Apply the colour profile, which may be large or malicious, so that it need not be stored."""
    profile = picture.info.pop("icc_profile", None)
    if profile:
        with suppress(ImageCms.PyCMSError):  # invalid profile: keep the levels
            ImageCms.profileToProfile(picture, BytesIO(profile), ImageCms.createProfile("sRGB"), inPlace=True)
            del picture.info["icc_profile"]


def image(path: Path, max_pixels: int) -> Image.Image:
    """Return the first frame, upright, no smaller than the largest rendition needs."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    longest = max(PIXELS.values())
    try:
        with Image.open(path, formats=FORMATS) as opened:
            opened.draft("RGB", (longest, longest))  # a JPEG is decoded at a fraction of its size
            opened.load()
            return _upright(opened)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise RenderFailed("too_large") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise RenderFailed("corrupt") from error


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


def first_page(path: Path) -> Image.Image:
    """Render a PDF's first page on white, as large as the largest rendition."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            if not len(document):
                raise RenderFailed("corrupt")
            page = document[0]
            width, height = page.get_size()
            if width <= 0 or height <= 0:
                raise RenderFailed("corrupt")
            bitmap = page.render(scale=max(PIXELS.values()) / max(width, height), may_draw_forms=False)
            picture: Image.Image = bitmap.to_pil().convert("RGB")
            return picture
    except pypdfium2.PdfiumError as error:
        raise RenderFailed("encrypted" if getattr(error, "err_code", None) == _ENCRYPTED else "corrupt") from error
