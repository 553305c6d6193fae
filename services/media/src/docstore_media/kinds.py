"""Kinds of contents that have previews, by media type and name. Standard library only."""

from enum import StrEnum
from pathlib import PurePosixPath


class Kind(StrEnum):
    """Kinds of contents with previews."""

    IMAGE = "image"
    OFFICE = "office"
    PDF = "pdf"
    SVG = "svg"
    VIDEO = "video"


PAGED = frozenset({Kind.OFFICE, Kind.PDF})


_TYPES = {
    **dict.fromkeys(
        (
            "image/avif",
            "image/bmp",
            "image/gif",
            "image/heic",
            "image/heif",
            "image/jpeg",
            "image/png",
            "image/tiff",
            "image/webp",
        ),
        Kind.IMAGE,
    ),
    "application/pdf": Kind.PDF,
    **dict.fromkeys(
        (
            "application/msword",
            "application/rtf",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.oasis.opendocument.presentation",
            "application/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.text",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "text/rtf",
        ),
        Kind.OFFICE,
    ),
    "image/svg+xml": Kind.SVG,
    **dict.fromkeys(
        (
            "video/3gpp",
            "video/mp4",
            "video/mpeg",
            "video/ogg",
            "video/quicktime",
            "video/webm",
            "video/x-flv",
            "video/x-m4v",
            "video/x-matroska",
            "video/x-ms-wmv",
            "video/x-msvideo",
        ),
        Kind.VIDEO,
    ),
}
_EXTENSIONS = {
    **dict.fromkeys(
        (".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"), Kind.IMAGE
    ),
    **dict.fromkeys((".doc", ".docx", ".odp", ".ods", ".odt", ".ppt", ".pptx", ".rtf", ".xls", ".xlsx"), Kind.OFFICE),
    ".pdf": Kind.PDF,
    ".svg": Kind.SVG,
    **dict.fromkeys(
        (".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv"), Kind.VIDEO
    ),
}
_GENERIC_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Generic types, declared where no better one is known."""


def kind_of(content_type: str, name: str) -> Kind | None:
    """Choose by the declared type, or if it is generic by the name; None: no preview."""
    declared = content_type.partition(";")[0].strip().lower()
    if declared in _GENERIC_TYPES:
        return _EXTENSIONS.get(PurePosixPath(name).suffix.lower())
    return _TYPES.get(declared)
