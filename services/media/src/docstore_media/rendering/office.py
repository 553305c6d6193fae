"""Office documents as PDF, by LibreOffice in a process of its own, confined as the parsers are.

Needs LibreOffice on the host; without it, Office documents have no previews.
"""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from docstore_contents.workers.pool import JobFailed
from docstore_contents.workers.program import Module, ProgramLimits, run_program
from docstore_media.rendering.office_process import ENCRYPTED, LIBRARIES, OLE
from docstore_media.rules import RenderFailed

_DATA = ("/usr/share/libreoffice", "/etc/libreoffice", "/var/lib/libreoffice", "/var/spool/libreoffice")
"""What Debian's packages keep outside LibreOffice's own folder."""
_FORMATS = (OLE, b"PK\x03\x04", b"{\\rtf")
"""How they begin: LibreOffice reads many others, which are not supported."""


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
        if not (await asyncio.to_thread(_start_of, source)).startswith(_FORMATS):
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
            raise RenderFailed("encrypted" if ended.status == ENCRYPTED else "corrupt")
        return target


def _start_of(source: Path) -> bytes:
    with source.open("rb") as document:
        return document.read(len(OLE))
