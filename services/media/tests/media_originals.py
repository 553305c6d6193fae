"""Real images and documents, made for the tests."""

import io
import re
import struct
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from imageio_ffmpeg import get_ffmpeg_exe
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


def photo(
    orientation: int,
    size: tuple[int, int] = (800, 400),
    *,
    maker: str = "canary-camera",
    model: str = "",
    taken: str = "",
    place: bool = False,
) -> bytes:
    """As a camera stores it: turned, with the time and place it was taken at."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(GPS)[1] = "N"
    exif[0x010F], exif[0x0110] = maker, model
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if place:
        exif.get_ifd(GPS).update({2: (48.0, 8.0, 30.0), 3: "W", 4: (11.0, 34.0, 30.0)})
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


@cache
def noisy_video() -> bytes:
    """Three seconds of noise, which no encoder makes small."""
    with TemporaryDirectory() as folder:
        target = f"{folder}/video.mkv"
        noise = "nullsrc=s=1280x720:r=30:d=3,geq=random(1)*255:128:128"
        subprocess.run(
            [get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", noise, "-c:v", "mpeg4", "-q:v", "9", target],
            check=True,
        )
        return Path(target).read_bytes()


QUICK = {
    "libvpx": ("-deadline", "realtime", "-cpu-used", "8"),
    "libx264": ("-preset", "superfast"),
    "libx265": ("-preset", "superfast"),
}
"""What makes an encoder take less time, with frames out of order all the same."""


@cache
def counting_video(form: str, codec: str, rate: str, *, sound: bool = True, seconds: int = 11) -> bytes:
    """A picture that changes with every frame, and a tone."""
    with TemporaryDirectory() as folder:
        target = f"{folder}/video.{form}"
        inputs = ["-f", "lavfi", "-i", f"testsrc2=s=320x180:r={rate}:d={seconds}"]
        if sound:
            inputs += ["-f", "lavfi", "-i", f"sine=d={seconds}"]
        encoder = ["-c:v", codec, *QUICK.get(codec, ()), "-b:v", "500k"]
        subprocess.run([get_ffmpeg_exe(), "-v", "error", *inputs, *encoder, target], check=True)
        return Path(target).read_bytes()


def frame_times(video: bytes) -> list[float]:
    """The second of each frame."""
    return _times(video, "v")


def sound_times(video: bytes) -> list[float]:
    """The second of each packet of sound."""
    return _times(video, "a")


def _times(video: bytes, stream: str) -> list[float]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        path.write_bytes(video)
        command = [get_ffmpeg_exe(), "-v", "error", "-copyts", "-i", str(path), "-map", f"0:{stream}?", "-c", "copy"]
        ended = subprocess.run([*command, "-f", "framecrc", "-"], capture_output=True, check=False, text=True)
    if stream == "a" and "#media_type 0: audio" not in ended.stdout:
        return []
    [base] = re.findall(r"^#tb 0: (\d+)/(\d+)", ended.stdout, re.MULTILINE) or [("1", "1")]
    rows = [line.split(",") for line in ended.stdout.splitlines() if not line.startswith("#")]
    return sorted(int(row[2]) * int(base[0]) / int(base[1]) for row in rows)


def svg(inside: str = "", *, doctype: str = "", size: tuple[int, int] = (200, 100)) -> bytes:
    """Red on the left, nothing on the right."""
    head = f"<!DOCTYPE svg [{doctype}]>" if doctype else ""
    width, height = size
    root = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
    return f'{head}{root}<rect width="100" height="100" fill="rgb{LEFT}"/>{inside}</svg>'.encode()


def _entity(number: int) -> str:
    return f"&l{number};"


def _use(number: int) -> str:
    return f"<use href='#u{number}'/>"


LAUGHS = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n + 1} "{_entity(n) * 10}">' for n in range(9))
NESTED_USES = (
    "<defs><g id='u0'><circle r='1'/></g>"
    + "".join(f"<g id='u{n + 1}'>{_use(n) * 10}</g>" for n in range(9))
    + "</defs><use href='#u9'/>"
)
