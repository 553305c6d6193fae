"""Office documents by the real LibreOffice, and what hostile ones cost: a process, never the service."""

import asyncio
import os
import shutil
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import media_originals as originals
import office_samples as samples
import pypdfium2
import pytest
from media_contents import VIDEOS, NoPdfs, Store

from docstore_contents.reader import Contents
from docstore_contents.workers.program import ProgramLimits
from docstore_contents.workers.worker_process import WorkerLimits
from docstore_media.kinds import Kind
from docstore_media.rendering.office import Office, libraries_of
from docstore_media.rendering.renderer import WorkerRenderer
from docstore_media.rules import Rendered, RenderFailed, Rendition, Spec, Variant

LIMITS = ProgramLimits(60, 60, 1024, 50 << 20)
LIBRARIES = libraries_of("soffice")
if LIBRARIES is None:
    warnings.warn("LibreOffice is not installed: Office documents are NOT tested", stacklevel=1)
pytestmark = pytest.mark.skipif(LIBRARIES is None, reason="LibreOffice (soffice) is not installed")


class World:
    """A renderer with LibreOffice, and one content."""

    def __init__(self, folder: Path, limits: ProgramLimits = LIMITS) -> None:
        assert LIBRARIES is not None
        self.store: Any = Store()
        self.office = Office(LIBRARIES, limits)
        self.renderer = WorkerRenderer(
            Contents(self.store),
            WorkerLimits(),
            folder,
            max_pixels=50_000_000,
            videos=VIDEOS,
            pdfs=NoPdfs(),
            office=self.office,
        )

    async def rendered(self, data: bytes) -> Rendered:
        self.store.objects["k"] = data
        about: dict[str, Any] = {"id": "r", "owner_id": "a", "kind": Kind.OFFICE, "size": len(data)}
        content = Rendition(**about, attempts=1, waits=0, lease_owner="l", traceparent=None)
        return await self.renderer.render(content, ["k"])

    async def page(self, data: bytes, number: int) -> Any:
        self.store.objects["k"] = data
        variant = Variant(
            rendition_id="r", owner_id="a", kind=Kind.OFFICE, size=len(data), spec=Spec(page=number, width=400)
        )
        return originals.opened(await self.renderer.render_variant(variant, ["k"]))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.renderer.close()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("data", "pages"),
    [
        (samples.docx(2), 2),
        (samples.xlsx(), 1),
        (samples.ODT, 1),
        (samples.ODS, 1),
        (samples.ODP, 1),
        (samples.RTF, 2),
    ],
    ids=["docx", "xlsx", "odt", "ods", "odp", "rtf"],
)
async def test_a_document_has_a_picture_and_pages(world: World, data: bytes, pages: int) -> None:
    """Of its first page, with something on it; as many pages as it has."""
    made = await world.rendered(data)
    assert made.facts.pages == pages
    levels = originals.opened(made.pictures["large"]).convert("L").getextrema()
    assert levels[0] < 100 < 250 < levels[1]


async def test_each_page_can_be_seen(world: World) -> None:
    """No more than there are."""
    assert (await world.page(samples.docx(2), 2)).width <= 400
    with pytest.raises(RenderFailed, match="no_such_page"):
        await world.page(samples.docx(2), 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "corrupt"),
        (b"<html><script>alert(1)</script>", "corrupt"),
        (samples.docx()[:2000], "corrupt"),
        (samples.OLE + bytes(5000), "corrupt"),
        (samples.ENCRYPTED, "encrypted"),
    ],
)
async def test_an_invalid_document_has_a_reason(world: World, data: bytes, reason: str) -> None:
    """Another format that LibreOffice would read as well is none."""
    with pytest.raises(RenderFailed, match=reason):
        await world.rendered(data)


@pytest.mark.parametrize("bomb", [samples.laughing, lambda: samples.zip_bomb(1)], ids=["entities", "zip bomb"])
async def test_a_bomb_costs_a_process(tmp_path: Path, bomb: Callable[[], bytes]) -> None:
    """Within the limits of time and memory; the service goes on."""
    world = World(tmp_path, replace(LIMITS, seconds=30, cpu_seconds=10))
    with pytest.raises(RenderFailed, match=r"corrupt|out_of_memory|timed_out|parser_crashed"):
        await world.rendered(bomb())
    await world.renderer.close()
    assert not os.listdir(tmp_path)


async def test_a_document_reads_no_other_file_and_no_address(world: World, tmp_path: Path) -> None:
    """Neither by an entity nor by a link to a picture; the text around it is shown, or nothing."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the-canary-of-this-host")
    asked = asyncio.Event()
    server = await asyncio.start_server(lambda *_: asked.set(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    folder = tmp_path / "work"
    urls = (secret.as_uri(), f"http://127.0.0.1:{port}/x.png")
    for number, data in enumerate(data for url in urls for data in samples.stealing(url)):
        source = folder / f"{number}" / "content"
        source.parent.mkdir(parents=True)
        source.write_bytes(data)
        try:
            made = await world.office.pdf(source, source.parent)
        except RenderFailed as error:
            assert error.reason == "corrupt"  # noqa: PT017 (it may as well be rendered without)
            continue
        with pypdfium2.PdfDocument(made) as document:
            assert "canary" not in document[0].get_textpage().get_text_bounded()
    server.close()
    assert not asked.is_set()
    secret.unlink()
    shutil.rmtree(folder)


async def test_a_macro_does_not_run(world: World, tmp_path: Path) -> None:
    """It would write a file into the only folder that it could."""
    source = tmp_path / "work" / "content"
    source.parent.mkdir()
    source.write_bytes(samples.with_macro())
    assert (await world.office.pdf(source, source.parent)).stat().st_size
    assert not list(source.parent.rglob("macro.ran"))
    shutil.rmtree(source.parent)


def test_without_libreoffice_there_is_none(tmp_path: Path) -> None:
    """Nor by a command of that name that is something else."""
    impostor = tmp_path / "soffice"
    impostor.write_text("#!/bin/sh\n")
    impostor.chmod(0o755)
    assert libraries_of("") is libraries_of("no-such-command") is libraries_of(str(impostor)) is None
