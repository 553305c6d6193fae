"""Kinds of documents with their icons and names, as in the web page (`lib/media.ts`)."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from docstore_metadata.tree.rules import Node
from docstore_platform.languages import N_


@dataclass(frozen=True, slots=True)
class Kind:
    icon: str
    name: str


FOLDER = Kind("folder", N_("Folder"))
IMAGE = Kind("image", N_("Image"))
VIDEO = Kind("video", N_("Video"))
AUDIO = Kind("audio", N_("Audio"))
PDF = Kind("pdf", N_("PDF"))
TEXT = Kind("document", N_("Text"))
DOCUMENT = Kind("document", N_("Document"))
CODE = Kind("code", N_("Code"))
SHEET = Kind("sheet", N_("Spreadsheet"))
SLIDES = Kind("slides", N_("Presentation"))
ARCHIVE = Kind("archive", N_("Archive"))
OTHER = Kind("other", N_("File"))
PAGED = (PDF, DOCUMENT, SHEET, SLIDES)
"""Kinds whose previews may have several pages."""

_EXTENSIONS = {
    IMAGE: "png jpg jpeg gif webp avif bmp svg tif tiff heic",
    VIDEO: "mp4 webm mov mkv",
    AUDIO: "mp3 wav ogg flac m4a",
    PDF: "pdf",
    TEXT: "txt log md markdown",
    DOCUMENT: "docx doc odt rtf epub",
    CODE: "json yaml yml toml xml html css js ts tsx jsx py rs go java c h cpp sh sql ini",
    SHEET: "csv tsv xlsx xls ods",
    SLIDES: "pptx ppt odp",
    ARCHIVE: "zip gz tar 7z rar zst",
}
_BY_EXTENSION = {f".{extension}": kind for kind, names in _EXTENSIONS.items() for extension in names.split()}
_BY_FAMILY = {"image": IMAGE, "video": VIDEO, "audio": AUDIO, "text": TEXT}


def kind_of(node: Node) -> Kind:
    """The kind by the extension, else by the declared type."""
    if node.is_folder:
        return FOLDER
    known = _BY_EXTENSION.get(PurePosixPath(node.name).suffix.lower())
    if known is not None:
        return known
    declared = node.content_type.partition(";")[0].strip().lower()
    return PDF if declared == "application/pdf" else _BY_FAMILY.get(declared.partition("/")[0], OTHER)
