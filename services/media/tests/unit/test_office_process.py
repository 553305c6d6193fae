"""Who looks into a document that LibreOffice can't read, with a LibreOffice that reads nothing."""

import ctypes
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import office_samples as samples
import pytest

from docstore_contents.workers.program import Ended, ProgramLimits
from docstore_media.rendering import office, office_process
from docstore_media.rendering.office import Office
from docstore_media.rendering.office_process import ENCRYPTED, LIBRARIES, NOT_READ
from docstore_media.rules import RenderFailed

LOCKED = samples.zipped({"META-INF/manifest.xml": "<manifest:encryption-data/>", "content.xml": "x"})


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (samples.ENCRYPTED, ENCRYPTED),
        (LOCKED, ENCRYPTED),
        (samples.ODT, NOT_READ),
        (samples.docx()[:2000], NOT_READ),
        (samples.OLE + bytes(5000), NOT_READ),
        (samples.RTF, NOT_READ),
    ],
)
def test_the_process_says_whether_a_password_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, status: int
) -> None:
    """Of both families of formats."""
    (tmp_path / LIBRARIES[0]).touch()
    source = tmp_path / "content"
    source.write_bytes(data)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(libreofficekit_hook_2=lambda *_: None))
    monkeypatch.setattr(sys, "argv", ["office_process", str(tmp_path), str(source), str(tmp_path / "document.pdf")])
    for name in ("HOME", "TMPDIR", "SAL_USE_VCLPLUGIN"):
        monkeypatch.setenv(name, "")  # set by the process, and restored after the test
    assert office_process.main() == status


@pytest.mark.parametrize(("status", "reason"), [(ENCRYPTED, "encrypted"), (NOT_READ, "corrupt")])
async def test_the_service_opens_no_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    """It would hold an object for each part that a malicious one claims to have, outside of any limit."""

    async def ended(*_: object, **__: object) -> Ended:
        return Ended(status, "")

    def opened(*_: object) -> None:
        pytest.fail("the service has opened the archive")

    monkeypatch.setattr(office, "run_program", ended)
    monkeypatch.setattr(zipfile, "ZipFile", opened)
    source = tmp_path / "content"
    source.write_bytes(LOCKED)
    with pytest.raises(RenderFailed, match=reason):
        await Office(tmp_path, ProgramLimits(1, 1, 1024, 1 << 20)).pdf(source, tmp_path)
