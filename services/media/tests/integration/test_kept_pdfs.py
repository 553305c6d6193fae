"""PDFs of Office documents, converted once by the real LibreOffice and kept on real servers."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import office_samples as samples
import pytest
from media_world import World

from docstore_contents.s3.store import ObjectStoreUnavailable
from docstore_events.catalogue.files import FileState
from docstore_media.kinds import Kind
from docstore_media.rendering.office import Office, libraries_of
from docstore_media.rules import Spec, Variant
from docstore_media.variants.kept_pdfs import KeptPdfs
from docstore_media.variants.repository import MongoVariants
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

LIBRARIES = libraries_of("soffice")
if LIBRARIES is None:
    warnings.warn("LibreOffice is not installed: kept PDFs are NOT tested", stacklevel=1)
needs_libreoffice = pytest.mark.skipif(LIBRARIES is None, reason="LibreOffice (soffice) is not installed")
pytestmark = pytest.mark.connected
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LONG_AGO = utc_now().replace(year=2020)


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The documents that LibreOffice has converted."""
    converted: list[Path] = []
    convert = Office.pdf

    async def counted(office: Office, source: Path, folder: Path) -> Path:
        converted.append(source)
        return await convert(office, source, folder)

    monkeypatch.setattr(Office, "pdf", counted)
    return converted


async def added(world: World, pages: int = 3) -> FileState:
    """A document that has its preview."""
    file = await world.add(new_id(), "a.docx", samples.docx(pages), DOCX)
    await world.until_published(file.file_id, "preview-ready")
    return file


async def see(world: World, file: FileState, page: int) -> None:
    """Ask for a page until it can be seen."""

    async def redirected() -> bool:
        answer = await world.picture(file.owner_id, file.file_id, f"page={page}&width=200")
        assert answer.status in (302, 503), answer
        return answer.status == 302

    await eventually(redirected)


async def kept(world: World, file: FileState) -> bool:
    return any(key.endswith("/document.pdf") for key in await world.stored(file.owner_id))


@needs_libreoffice
async def test_a_document_is_converted_once_for_all_its_pages(running: World, conversions: list[Path]) -> None:
    """When it is uploaded; its pages are rendered from that PDF, which is deleted with it."""
    file = await added(running)
    for page in (1, 2, 3):
        await see(running, file, page)
    assert len(conversions) == 1
    assert await kept(running, file)
    await running.purge(file)
    await running.until_stored(file.owner_id, 0)


@needs_libreoffice
async def test_a_pdf_unused_for_longest_is_evicted_and_made_anew(world: World, conversions: list[Path]) -> None:
    """It counts towards the bounds of variants; a page that is read is a use of it."""
    async with world.running(variant_bytes_per_account=1 << 20, variant_eviction_interval_seconds=0.2):
        file = await added(world)
        rows = world.database["variants"]
        await see(world, file, 2)
        await rows.update_many({}, {"$set": {"used_at": LONG_AGO}})
        await see(world, file, 3)
        used = await rows.find_one({"spec.is_pdf": True})
        assert used is not None
        assert used["used_at"] > LONG_AGO
        await rows.update_one({"_id": used["_id"]}, {"$set": {"used_at": LONG_AGO, "bytes": 2 << 20}})

        async def gone() -> bool:
            return not await rows.count_documents({"spec.is_pdf": True}) and not await kept(world, file)

        await eventually(gone)
        await see(world, file, 1)
        assert len(conversions) == 2

        async def back() -> bool:
            return await kept(world, file)

        await eventually(back)


@needs_libreoffice
async def test_a_crash_while_a_pdf_is_stored_leaves_nothing_for_ever(world: World, conversions: list[Path]) -> None:
    """What the dead instance has recorded is removed, with what it may have stored; the next page keeps it again."""
    async with world.running():
        file = await added(world)
    begun = {"$set": {"state": "storing", "lease_owner": "dead", "due_at": utc_now()}, "$unset": {"bytes": 1}}
    rows = world.database["variants"]
    assert (await rows.update_one({"spec.is_pdf": True}, begun)).matched_count == 1
    async with world.running():

        async def removed() -> bool:
            return not await rows.count_documents({}) and not await kept(world, file)

        await eventually(removed)
        await see(world, file, 2)
        await see(world, file, 3)
        assert len(conversions) == 2
        assert await rows.count_documents({"spec.is_pdf": True, "state": "ready"}) == 1


@needs_libreoffice
async def test_pages_of_a_kept_pdf_need_no_libreoffice(world: World) -> None:
    """An instance without it renders them, too."""
    async with world.running():
        file = await added(world)
    async with world.running(office_command=""):
        await see(world, file, 2)


PDF = Variant(rendition_id="r", owner_id="a", kind=Kind.OFFICE, size=1, spec=Spec(page=2))


@dataclass
class Bucket:
    """The processed bucket; `down`: it accepts nothing."""

    down: bool = False
    stored: list[str] = field(default_factory=list)

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        if self.down:
            raise ObjectStoreUnavailable("down", key)
        self.stored.append(key)

    async def download(self, key: str, path: Path, max_bytes: int) -> int:
        raise AssertionError("no test here needs it")


@dataclass
class Versions:
    """Those of one rendition."""

    keys: list[str]

    async def object_keys(self, rendition_id: str) -> list[str]:
        return self.keys


@pytest.mark.parametrize(("down", "keys"), [(True, ["k"]), (False, [])], ids=["store down", "content deleted"])
async def test_an_unstored_pdf_is_removed(world: World, tmp_path: Path, down: bool, keys: list[str]) -> None:
    """An outage, or a document deleted meanwhile, does not fail the page; the record of the PDF goes at once."""
    variants = MongoVariants(world.database, lease_seconds=60)
    bucket: Any = Bucket(down)
    path = tmp_path / "document.pdf"
    path.write_bytes(b"%PDF")
    await KeptPdfs(variants, Versions(keys), bucket, 100).keep(PDF, path)
    removal = await variants.claim("removal")
    assert removal is not None
    assert (removal.id, bucket.stored) == ("r/document.pdf", [])


async def test_two_workers_store_one_pdf(world: World, tmp_path: Path) -> None:
    """The second one leaves it to the first, and to what the first has stored."""
    variants = MongoVariants(world.database, lease_seconds=60)
    bucket: Any = Bucket()
    path = tmp_path / "document.pdf"
    path.write_bytes(b"%PDF")
    pdfs = KeptPdfs(variants, Versions(["k"]), bucket, 100)
    await pdfs.keep(PDF, path)
    await pdfs.keep(PDF, path)
    assert bucket.stored == ["previews/a/r/document.pdf"]
