"""Limits of Office files, which are zip archives: their contents are measured before a parser opens them."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from docstore_indexer.extraction.rules import failure

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CHUNK = 1 << 16
_XML = (".xml", ".rels", ".xhtml", ".opf", ".ncx")
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Unpacked bytes, entries, and the ratio of unpacked to stored size (from 10 MB on)."""

    unpacked_bytes: int = 256 << 20
    entries: int = 10_000
    ratio: int = 200
    ratio_from_bytes: int = 10 << 20


def check_office_file(path: Path, limits: ArchiveLimits, *, doctype_allowed: bool = False) -> None:
    """Check an archive; raises Encrypted, Corrupt or TooLarge.

    Archives inside the archive stay closed: the parsers read only the outermost one.
    """
    with path.open("rb") as file:
        if file.read(len(OLE_MAGIC)) == OLE_MAGIC:  # Office's format of documents with a password
            raise failure("encrypted")
        try:  # zipfile raises NotImplementedError for an unknown compression
            _check_entries(file, path.stat().st_size, limits, doctype_allowed)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise failure("corrupt") from error


def _check_entries(file: BinaryIO, stored: int, limits: ArchiveLimits, doctype_allowed: bool) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if len(entries) > limits.entries or unpacked > limits.unpacked_bytes:
            raise failure("archive_bomb")
        if unpacked > limits.ratio_from_bytes and unpacked > limits.ratio * stored:
            raise failure("archive_bomb")
        for entry in entries:
            if entry.flag_bits & 1:
                raise failure("encrypted")
            if entry.filename == "META-INF/manifest.xml" and _contains(archive, entry, (b"encryption-data",)):
                raise failure("encrypted")
            is_xml = entry.filename.lower().endswith(_XML)
            if is_xml and not doctype_allowed and _contains(archive, entry, _FORBIDDEN):
                raise failure("forbidden_xml")  # an entity bomb needs a declaration; Office never writes one


def _contains(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, needles: tuple[bytes, ...]) -> bool:
    overlap = max(map(len, needles)) - 1
    tail = b""
    with archive.open(entry) as part:
        while chunk := part.read(_CHUNK):
            window = tail + chunk
            if any(needle in window for needle in needles):
                return True
            tail = window[-overlap:]
    return False
