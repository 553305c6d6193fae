"""Program that converts an Office document to PDF, confined by its starter (`office.py`); LibreOffice in this process.

Arguments: the folder of LibreOffice's libraries, the document, the PDF. `LibreOfficeKit.h` describes what is called:
it makes no requests, runs no macros, and needs neither a display nor a second process.
"""

import ctypes
import os
import sys
import zipfile
from pathlib import Path

NOT_READ = 3
"""Exit status if LibreOffice can't read the document."""
NOT_WRITTEN = 4
ENCRYPTED = 5
"""Exit status if it can't, since the document needs a password."""

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How the older formats begin, and newer ones with a password."""
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_MANIFEST = "META-INF/manifest.xml"
_MANIFEST_BYTES = 1 << 20

LIBRARIES = ("libmergedlo.so", "libsofficeapp.so")
"""One of them has LibreOfficeKit, whichever way LibreOffice was built."""
_LOAD, _SAVE_AS = 4, 2
"""Places of functions in the tables of an office and of a document."""
_OPTIONS = b"Batch=true,EnableMacrosExecution=false"

_Load = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
_SaveAs = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p)


def main() -> int:
    libraries, source, target = map(Path, sys.argv[1:])
    folder = target.parent
    os.environ |= {"HOME": str(folder), "TMPDIR": str(folder), "SAL_USE_VCLPLUGIN": "svp"}
    library = next(libraries / name for name in LIBRARIES if (libraries / name).is_file())
    start = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL).libreofficekit_hook_2
    start.restype, start.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_char_p)
    office = start(os.fsencode(libraries), (folder / "profile").as_uri().encode())
    document = office and _function(office, _LOAD, _Load)(office, source.as_uri().encode(), _OPTIONS)
    if not document:
        return ENCRYPTED if _is_encrypted(source) else NOT_READ
    save_as = _function(document, _SAVE_AS, _SaveAs)
    return 0 if save_as(document, target.as_uri().encode(), b"pdf", None) else NOT_WRITTEN


def _is_encrypted(source: Path) -> bool:
    """Whether a document that can't be read is protected by a password."""
    with source.open("rb") as document:
        if document.read(len(OLE)) == OLE:
            return _ENCRYPTED_PACKAGE in document.read()
    try:
        with zipfile.ZipFile(source) as archive, archive.open(_MANIFEST) as manifest:
            return b"encryption-data" in manifest.read(_MANIFEST_BYTES)
    except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, OSError, EOFError, ValueError):
        return False


def _function(thing: int, place: int, prototype: type) -> "ctypes._FuncPointer":
    """Return a function of the table that a thing's first field points to; the table begins with its size."""
    table = ctypes.cast(thing, ctypes.POINTER(ctypes.c_void_p))[0]
    found: ctypes._FuncPointer = prototype(ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))[place])
    return found


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # closing the office down takes as long as starting it
