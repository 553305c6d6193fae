"""Media types of files: their syntax, and guesses by file name."""

import re
from collections.abc import Mapping

_TOKEN = r"[A-Za-z0-9!#$&^_.+-]{1,100}"
CONTENT_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(; ?{_TOKEN}=[A-Za-z0-9_.+/:"-]{{1,100}}){{0,4}}')
SHA256 = re.compile(r"[0-9a-f]{64}", re.A)
DEFAULT_CONTENT_TYPE = "application/octet-stream"
OFFICE = "application/vnd.openxmlformats-officedocument"
CONTENT_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "docx": f"{OFFICE}.wordprocessingml.document",
    "eml": "message/rfc822",
    "gif": "image/gif",
    "htm": "text/html",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "md": "text/markdown",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": "application/pdf",
    "png": "image/png",
    "pptx": f"{OFFICE}.presentationml.presentation",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "webp": "image/webp",
    "xlsx": f"{OFFICE}.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}


def content_type_of(path: str) -> str:
    """Guess a file's media type by its name."""
    name = path.rpartition("/")[2]
    stem, _, extension = name.rpartition(".")
    return CONTENT_TYPES.get(extension.lower(), DEFAULT_CONTENT_TYPE) if stem else DEFAULT_CONTENT_TYPE
