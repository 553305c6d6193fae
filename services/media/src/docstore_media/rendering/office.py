"""Office documents as PDF, by LibreOffice in a process of its own, confined as the parsers are.

Needs LibreOffice on the host; without it, Office documents have no previews.
"""

import asyncio
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from docstore_contents.workers.pool import JobFailed
from docstore_contents.workers.program import Module, ProgramLimits, run_program
from docstore_media.rendering.office_process import LIBRARIES
from docstore_media.rules import RenderFailed

_DATA = ("/usr/share/libreoffice", "/etc/libreoffice", "/var/lib/libreoffice", "/var/spool/libreoffice")
"""What Debian's packages keep outside LibreOffice's own folder."""
_OLE, _ZIP, _RTF = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", b"{\\rtf"
"""How the formats begin: LibreOffice reads many others, which are not supported."""
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_MANIFEST = "META-INF/manifest.xml"
_MANIFEST_BYTES = 1 << 20


def libraries_of(command: str) -> Path | None:
    """Return the folder of LibreOffice's libraries, by its command or the path of it; None if it is not installed."""
    found = shutil.which(command) if command else None
    folder = Path(found).resolve().parent if found else None
    return folder if folder and any((folder / name).is_file() for name in LIBRARIES) else None


@dataclass(frozen=True, slots=True)
class Office:
    """`libraries`: where LibreOffice's are."""

    libraries: Path
    limits: ProgramLimits

    async def pdf(self, source: Path, folder: Path) -> Path:
        """Write the document as PDF. Raises RenderFailed."""
        if not (await asyncio.to_thread(_start_of, source)).startswith((_OLE, _ZIP, _RTF)):
            raise RenderFailed("corrupt")
        target = folder / "office" / "document.pdf"
        target.parent.mkdir()
        program = Module(
            "docstore_media.rendering.office_process", (self.libraries.parent, *(Path(path) for path in _DATA))
        )
        arguments = (str(self.libraries), str(source), str(target))
        try:
            ended = await run_program(program, arguments, self.limits, readable=source, writable=target.parent)
        except JobFailed as error:
            raise RenderFailed(error.reason) from error
        if ended.status or not target.is_file():
            raise RenderFailed("encrypted" if await asyncio.to_thread(_is_encrypted, source) else "corrupt")
        return target


def _start_of(source: Path) -> bytes:
    with source.open("rb") as document:
        return document.read(len(_OLE))


def _is_encrypted(source: Path) -> bool:
    """Whether a document that can't be read is protected by a password."""
    if _start_of(source) == _OLE:
        return _ENCRYPTED_PACKAGE in source.read_bytes()
    try:
        with zipfile.ZipFile(source) as archive, archive.open(_MANIFEST) as manifest:
            return b"encryption-data" in manifest.read(_MANIFEST_BYTES)
    except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, OSError, EOFError, ValueError):
        return False
