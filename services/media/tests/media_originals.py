"""Real images and documents, made for the tests."""

import io
import struct
from typing import Any

from PIL import Image, ImageCms
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas

ORIENTATION, GPS = 0x0112, 0x8825
LEFT, RIGHT = (220, 20, 20), (20, 20, 220)


def image(form: str = "PNG", size: tuple[int, int] = (800, 400), mode: str = "RGB", **options: Any) -> bytes:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", size, LEFT)
    picture.paste(RIGHT, (size[0] // 2, 0, *size))
    out = io.BytesIO()
    picture.convert(mode).save(out, form, **options)
    return out.getvalue()


def photo(orientation: int, size: tuple[int, int] = (800, 400)) -> bytes:
    """As a camera stores it: turned, with the place it was taken at."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(GPS)[1] = "N"
    exif[0x010F] = "canary-camera"
    return image("JPEG", size, exif=exif, quality=95)


def profile(canary: bytes = b"") -> bytes:
    """A colour profile that swaps red and blue and has the canary in it, of any size."""
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = plain.replace(b"rXYZ", b"swap", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"swap", b"bXYZ", 1) + canary
    return struct.pack(">I", len(swapped)) + swapped[4:]


def bomb(megapixels: int) -> bytes:
    """A small PNG of very many pixels."""
    out = io.BytesIO()
    Image.new("1", (megapixels * 1000, 1000)).save(out, "PNG")
    return out.getvalue()


def pdf(*colours: str, password: str | None = None) -> bytes:
    """A page of each colour, upright A5."""
    out = io.BytesIO()
    encryption = pdfencrypt.StandardEncryption(password) if password else None
    sheet = canvas.Canvas(out, pagesize=(420, 595), encrypt=encryption)
    for colour in colours:
        sheet.setFillColor(colour)
        sheet.rect(0, 0, 420, 595, stroke=0, fill=1)
        sheet.showPage()
    sheet.save()
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """A rendition, decoded."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def is_like(pixel: Any, colour: tuple[int, int, int]) -> bool:
    """Whether a pixel of a lossy picture is of this colour."""
    return all(abs(a - b) < 40 for a, b in zip(pixel, colour, strict=False))
