"""Variants: pictures in the size, format and page asked for, with a watermark if one is wanted."""

import io
import random
import time
from collections.abc import Callable
from typing import Any

import media_originals as originals
import pytest
from PIL import Image, ImageChops
from rendered_pictures import refused, variant

from docstore_media.kinds import Kind
from docstore_media.rendering.renderer import WorkerRenderer
from docstore_media.rendering.watermarks import mark
from docstore_media.rules import RenderFailed


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        ({"width": 200, "height": 4096}, (200, 100)),
        ({"width": 200, "height": 50}, (100, 50)),
        ({"width": 200, "height": 200, "fit": "cover"}, (200, 200)),
        ({"width": 4000, "height": 4000}, (800, 400)),
        ({"width": 1600, "height": 800, "fit": "cover"}, (800, 400)),
        ({"width": 1000, "height": 500, "fit": "cover"}, (800, 400)),
    ],
)
async def test_a_variant_has_the_size_asked_for(
    renderer: WorkerRenderer, wanted: dict[str, Any], size: tuple[int, int]
) -> None:
    """Within or over a shape, and never larger than the original; a turned photo is measured upright."""
    assert (await variant(renderer, originals.image(size=(800, 400)), **wanted)).size == size
    turned = originals.photo(6, (400, 800))
    assert (await variant(renderer, turned, **wanted)).size == size


@pytest.mark.parametrize("form", ["webp", "jpeg", "png"])
async def test_a_variant_has_the_format_asked_for(renderer: WorkerRenderer, form: str) -> None:
    """Transparent areas are white where the format has none."""
    picture = await variant(renderer, originals.image(mode="RGBA"), width=100, height=100, format=form)
    assert picture.format == form.upper()
    assert originals.is_like(picture.convert("RGB").getpixel((10, 10)), originals.LEFT)
    out = io.BytesIO()
    Image.new("RGBA", (20, 20)).save(out, "PNG")
    clear = await variant(renderer, out.getvalue(), width=20, height=20, format=form)
    assert originals.is_like(clear.getpixel((10, 10)), (255, 255, 255)) == (form == "jpeg")


async def test_each_page_of_a_pdf_has_variants(renderer: WorkerRenderer) -> None:
    """As sharp as asked for; a page behind the last has a reason."""
    document = originals.pdf("red", "blue")
    second = await variant(renderer, document, Kind.PDF, page=2, width=2000, height=2000)
    assert second.height == 2000
    assert originals.is_like(second.getpixel((300, 300)), (0, 0, 255))
    with pytest.raises(RenderFailed, match="no_such_page"):
        await variant(renderer, document, Kind.PDF, page=3)


async def test_too_large_a_picture_is_not_stored(renderer: WorkerRenderer) -> None:
    """Noise all over, the transparency too, which nothing makes small."""
    out = io.BytesIO()
    Image.frombytes("RGBA", (1600, 1600), random.Random(0).randbytes(1600 * 1600 * 4)).save(
        out, "PNG", compress_level=1
    )
    assert await refused(renderer, out.getvalue()) == "too_large"


async def test_too_large_a_variant_is_not_returned(renderer: WorkerRenderer) -> None:
    """Nor does it count as an attack: its worker lives on."""
    side, out = 2300, io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(0).randbytes(side * side * 3)).save(out, "BMP")
    assert await variant(renderer, out.getvalue(), width=100, height=100)
    pids = renderer.pool.pids
    with pytest.raises(RenderFailed, match="too_large"):
        await variant(renderer, out.getvalue(), width=side, height=side, format="png")
    assert renderer.pool.pids == pids


@pytest.mark.parametrize("form", ["webp", "jpeg", "png"])
async def test_a_watermark_is_all_over_the_picture(renderer: WorkerRenderer, form: str) -> None:
    """In each quarter of it, on white, black and transparent ground; nothing else changes its size."""
    for ground in ("white", "black", (0, 0, 0, 0)):
        data = io.BytesIO()
        Image.new("RGBA", (1200, 900), ground).save(data, "PNG")
        plain = (await variant(renderer, data.getvalue(), format=form)).convert("RGBA")
        marked = (await variant(renderer, data.getvalue(), format=form, watermark="Ada, ada@example.org")).convert(
            "RGBA"
        )
        assert marked.size == plain.size
        difference = ImageChops.difference(marked, plain)
        for left, top in ((0, 0), (600, 0), (0, 450), (600, 450)):
            quarter = difference.crop((left, top, left + 600, top + 450))
            assert max(most for _, most in quarter.getextrema()) > 60, (form, ground, left, top)


@pytest.mark.parametrize("text", ["x", "\u0645\u0631\u062d\u0628\u0627 \ud55c\uae00", "long " * 60, "\u200b"])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (7, 5)])
async def test_any_text_fits_on_any_picture(renderer: WorkerRenderer, size: tuple[int, int], text: str) -> None:
    """Also one that the font has no glyphs for, or no room."""
    assert (await variant(renderer, originals.image(size=size), width=4096, height=4096, watermark=text)).size == size


def test_a_watermark_costs_little_beside_a_photo_of_12_megapixels() -> None:
    """At most a third of the processor time of writing the photo as WebP, of which the best of some: memory that is
    touched first takes longer.
    """
    photo = Image.effect_noise((1000, 750), 60).resize((4000, 3000)).convert("RGB")

    def seconds(work: Callable[[], object]) -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    written = min(seconds(lambda: photo.save(io.BytesIO(), "WEBP")) for _ in range(3))
    for text in ("x", "Ada Lovelace, ada@example.org", "long " * 60):
        marked = min(seconds(lambda text=text: mark(photo.copy(), text)) for _ in range(3))  # type: ignore[misc]
        assert marked < written / 3, text
