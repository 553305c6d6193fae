"""Choice of the parser for a document: by its name's extension, then its declared type, then its first bytes."""

from enum import StrEnum
from pathlib import PurePosixPath


class Kind(StrEnum):
    """A document type whose text can be extracted; the value is the media type for its parser."""

    TEXT = "text/plain"
    HTML = "text/html"
    XML = "application/xml"
    EMAIL = "message/rfc822"
    PDF = "application/pdf"
    RTF = "application/rtf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    EPUB = "application/epub+zip"
    DOC = "application/msword"
    XLS = "application/vnd.ms-excel"
    PPT = "application/vnd.ms-powerpoint"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    WEBP = "image/webp"
    BMP = "image/bmp"
    GIF = "image/gif"
    MP4 = "video/mp4"
    MATROSKA = "video/x-matroska"


ZIPPED = frozenset({Kind.DOCX, Kind.XLSX, Kind.PPTX, Kind.ODT, Kind.ODS, Kind.EPUB})
VIDEOS = frozenset({Kind.MP4, Kind.MATROSKA})
IMAGES = frozenset({Kind.PNG, Kind.JPEG, Kind.TIFF, Kind.WEBP, Kind.BMP, Kind.GIF})

_EXTENSIONS = {kind.name.lower(): kind for kind in Kind if kind not in (Kind.TEXT, Kind.EMAIL)} | {
    "htm": Kind.HTML,
    "xhtml": Kind.HTML,
    "svg": Kind.XML,
    "eml": Kind.EMAIL,
    "docm": Kind.DOCX,
    "xlsm": Kind.XLSX,
    "jpg": Kind.JPEG,
    "tif": Kind.TIFF,
    "m4v": Kind.MP4,
    "mov": Kind.MP4,
    "mkv": Kind.MATROSKA,
    "webm": Kind.MATROSKA,
}
# fmt: off
_TEXT_EXTENSIONS = frozenset({
    "txt", "text", "md", "markdown", "rst", "adoc", "tex", "csv", "tsv", "log", "json", "jsonl",
    "yaml", "yml", "toml", "ini", "conf", "cfg", "sql", "diff", "patch", "py", "js", "ts", "jsx",
    "srt", "vtt", "tsx", "java", "kt", "go", "rs", "c", "h", "cc", "cpp", "hpp", "cs", "rb", "php", "pl", "lua",
    "swift", "scala", "sh", "bash", "ps1", "bat", "css", "scss", "r",
})
# fmt: on
_TYPES = {kind.value: kind for kind in Kind} | {
    "application/xhtml+xml": Kind.HTML,
    "text/xml": Kind.XML,
    "image/svg+xml": Kind.XML,
    "text/rtf": Kind.RTF,
    "video/quicktime": Kind.MP4,
    "video/webm": Kind.MATROSKA,
    "application/json": Kind.TEXT,
    "application/yaml": Kind.TEXT,
    "application/x-ndjson": Kind.TEXT,
    "application/javascript": Kind.TEXT,
    "application/sql": Kind.TEXT,
}
# fmt: off
_OTHER_EXTENSIONS = frozenset({
    "zip", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar", "tar", "iso", "dmg", "exe", "dll", "so",
    "bin", "mp3", "avi", "wav", "flac", "ogg",
})
# fmt: on
_AUDIO_EXTENSIONS = frozenset({"mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", "aac"})
_MAGIC = ((b"%PDF-", Kind.PDF), (b"\x89PNG\r\n", Kind.PNG), (b"\xff\xd8\xff", Kind.JPEG), (b"{\\rtf", Kind.RTF))


def kind_of(content_type: str, name: str, head: bytes) -> Kind | None:
    """Return the kind of a document, or None if no parser supports it; `head` is its first few hundred bytes."""
    extension = PurePosixPath(name).suffix[1:].lower()
    if extension in _TEXT_EXTENSIONS:
        return Kind.TEXT
    if extension in _EXTENSIONS:
        return _EXTENSIONS[extension]
    if extension in _OTHER_EXTENSIONS:
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _TYPES:
        return _TYPES[media_type]
    if media_type.startswith("text/"):
        return Kind.TEXT
    if media_type in ("", "application/octet-stream", "binary/octet-stream"):
        return _sniffed(head)
    return None


def is_audio(content_type: str, name: str) -> bool:
    """Whether it is sound, by its name's extension or its declared type."""
    return PurePosixPath(name).suffix[1:].lower() in _AUDIO_EXTENSIONS or content_type.lower().startswith("audio/")


def _sniffed(head: bytes) -> Kind | None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    return Kind.TEXT if looks_like_text(head) else None


def looks_like_text(head: bytes) -> bool:
    """Whether the bytes can be text in some encoding: almost no control characters, no zero bytes but UTF-16's."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    strange = sum(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in head)
    return b"\0" not in head and strange * 50 <= len(head)
