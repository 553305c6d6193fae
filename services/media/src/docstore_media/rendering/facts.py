"""Reads the facts of an image's EXIF data that people look for."""

from typing import Any

from PIL import ExifTags, Image

from docstore_media.rules import MAX_FACT_CHARS

TURNED = (5, 6, 7, 8)
"""Orientations whose width and height are exchanged."""
_ORIGINAL_ORIENTATION = "original_orientation"
"""Where the decoder of HEIC keeps it: it turns pictures upright itself."""
Found = dict[str, Any]


def facts_of(opened: Image.Image) -> Found:
    """Return the fields of `Facts` that are known, before the picture is turned upright."""
    width, height = opened.size
    exif = opened.getexif()
    orientation = opened.info.get(_ORIGINAL_ORIENTATION) or exif.get(ExifTags.Base.Orientation)
    if is_turned(opened):
        width, height = height, width
    found = {
        "width": width,
        "height": height,
        "orientation": orientation,
        "camera": _camera(exif),
        "taken_at": _moment(exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)),
        **_place(exif.get_ifd(ExifTags.IFD.GPSInfo)),
    }
    return {name: value for name, value in found.items() if value}


def is_turned(opened: Image.Image) -> bool:
    """Whether width and height are exchanged when the picture is turned upright."""
    return opened.getexif().get(ExifTags.Base.Orientation, 1) in TURNED


def _camera(exif: Image.Exif) -> str:
    """Return the model; most begin with the name of their maker."""
    maker, model = (_text(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    known = model if model.lower().startswith(maker.lower()) else f"{maker} {model}"
    return known.strip()[:MAX_FACT_CHARS]


def _text(value: Any) -> str:
    kept = "".join(char for char in value if char.isprintable()) if isinstance(value, str) else ""
    return " ".join(kept.split())


def _moment(value: Any) -> str:
    """Write `2024:05:06 07:08:09` as in ISO 8601."""
    day, _, time = _text(value).partition(" ")
    return f"{day.replace(':', '-')}T{time}" if day and time else ""


def _place(gps: dict[int, Any]) -> Found:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef) == "S")
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef) == "W")
    return {} if latitude is None or longitude is None else {"latitude": latitude, "longitude": longitude}


def _degrees(value: Any, negative: bool) -> float | None:
    """Return degrees, minutes and seconds as one number, to about a metre."""
    try:
        degrees, minutes, seconds = (float(part) for part in value)
        return round((degrees + minutes / 60 + seconds / 3600) * (-1 if negative else 1), 5)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
