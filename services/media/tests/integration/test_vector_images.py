"""Vector images: drawn in any size, without following what they refer to, within limits."""

from pathlib import Path
from typing import Any

import media_originals as originals
import pytest
from media_contents import VIDEOS, NoPdfs, Store
from rendered_pictures import refused, render, variant

from docstore_contents.reader import Contents
from docstore_contents.workers.worker_process import WorkerLimits
from docstore_media.kinds import Kind
from docstore_media.rendering.renderer import WorkerRenderer
from docstore_media.rules import PIXELS


async def test_a_vector_image_is_drawn_in_any_size(renderer: WorkerRenderer) -> None:
    """In its shape, and transparent where it has nothing."""
    picture = originals.opened((await render(renderer, originals.svg(), Kind.SVG))["large"])
    assert picture.size == (PIXELS["large"], PIXELS["large"] // 2)
    assert originals.is_like(picture.getpixel((10, 10)), originals.LEFT)
    assert picture.getpixel((1590, 790))[3] == 0  # type: ignore[index]
    assert (await variant(renderer, originals.svg(), Kind.SVG, width=4000, height=4000)).size == (4000, 2000)


@pytest.mark.parametrize("family", ["sans-serif", "serif", "No such font"])
async def test_text_of_a_vector_image_is_drawn(renderer: WorkerRenderer, family: str) -> None:
    """In any font that it names."""
    text = f"<text x='110' y='60' font-size='60' font-family='{family}'>MM</text>"
    picture = originals.opened((await render(renderer, originals.svg(text), Kind.SVG))["large"])
    assert picture.crop((880, 0, 1600, 800)).getbbox() is not None


@pytest.mark.parametrize(
    "inside",
    [
        "<script>document.title = 1</script><rect width='200' height='9' onload='alert(1)'/>",
        "<image href='/etc/passwd' width='9' height='9'/><image href='file:///etc/passwd' width='9' height='9'/>",
        "<image href='http://127.0.0.1:1/a.png' width='9' height='9'/><use href='http://127.0.0.1:1/a.svg#a'/>",
        "<style>@import url(http://127.0.0.1:1/a.css); circle { fill: url(http://127.0.0.1:1/a.svg#a) }</style>",
        "<foreignObject width='9' height='9'><iframe xmlns='http://www.w3.org/1999/xhtml' src='/'/></foreignObject>",
    ],
)
async def test_references_in_a_vector_image_are_not_followed(renderer: WorkerRenderer, inside: str) -> None:
    """Scripts, files, servers, other documents: its own shapes are drawn, and nothing else happens."""
    picture = originals.opened((await render(renderer, originals.svg(inside), Kind.SVG))["large"])
    assert originals.is_like(picture.getpixel((400, 400)), originals.LEFT)


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        (b"", {"corrupt"}),
        (b"<svg", {"corrupt"}),
        ("<svg/>".encode("utf-16"), {"corrupt"}),
        (originals.svg(doctype="<!ENTITY x SYSTEM 'file:///etc/passwd'>", inside="<text>&x;</text>"), {"corrupt"}),
        (originals.svg(doctype=originals.LAUGHS, inside="<text>&l9;</text>"), {"corrupt"}),
        (originals.svg(size=(1, 100_000_000)), {"too_large", "corrupt", "out_of_memory"}),
        (originals.svg(inside=originals.NESTED_USES), {"timed_out", "out_of_memory", "corrupt"}),
        (originals.svg(inside="<g>" * 100_000), {"corrupt", "parser_crashed", "out_of_memory"}),
    ],
    ids=["empty", "cut", "utf-16", "external entity", "billion laughs", "endless", "nested uses", "deep"],
)
async def test_a_hostile_vector_image_ends_within_its_limits(tmp_path: Path, data: bytes, reasons: set[str]) -> None:
    """With a reason; the next one is drawn."""
    store: Any = Store()
    limits = WorkerLimits(memory_mb=512, seconds=5)
    renderer = WorkerRenderer(Contents(store), limits, tmp_path, max_pixels=50_000_000, videos=VIDEOS, pdfs=NoPdfs())
    try:
        assert await refused(renderer, data, Kind.SVG) in reasons
        assert await render(renderer, originals.svg(), Kind.SVG)
    finally:
        await renderer.close()
