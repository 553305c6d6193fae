"""Pictures of real files by the real worker process, and what hostile ones cost: a worker, never the service."""

import io
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import media_originals as originals
import media_samples as samples
import pytest
from media_contents import VIDEOS, NoPdfs, Store
from PIL import Image, ImageChops

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectNotFound
from docstore_contents.workers.pool import WorkerLimits
from docstore_media.rendering.renderer import WorkerRenderer
from docstore_media.rendering.watermarks import mark
from docstore_media.rules import PIXELS, Facts, Kind, Rendered, RenderFailed, Rendition, Size, Spec, Variant


@pytest.fixture
async def renderer(tmp_path: Path) -> AsyncIterator[WorkerRenderer]:
    store: Any = Store()
    made = WorkerRenderer(
        Contents(store), WorkerLimits(), tmp_path, max_pixels=50_000_000, videos=VIDEOS, pdfs=NoPdfs()
    )
    yield made
    await made.close()


async def render(renderer: WorkerRenderer, data: bytes, kind: Kind = Kind.IMAGE) -> dict[Size, bytes]:
    return (await rendered(renderer, data, kind)).pictures


async def rendered(renderer: WorkerRenderer, data: bytes, kind: Kind = Kind.IMAGE) -> Rendered:
    store: Any = renderer._contents._store
    store.objects["k"] = data
    rendition = Rendition(
        id="r", owner_id="a", kind=kind, size=len(data), attempts=1, waits=0, lease_owner="l", traceparent=None
    )
    return await renderer.render(rendition, ["gone", "k"])


async def refused(renderer: WorkerRenderer, data: bytes, kind: Kind = Kind.IMAGE) -> str:
    with pytest.raises(RenderFailed) as caught:
        await render(renderer, data, kind)
    return caught.value.reason


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGB"),
        ("AVIF", "RGB"),
        ("GIF", "RGB"),
        ("BMP", "RGB"),
        ("TIFF", "RGB"),
    ],
)
async def test_an_image_of_each_format_has_both_sizes(renderer: WorkerRenderer, form: str, mode: str) -> None:
    """Each is WebP, of the same shape, no side longer than promised, and shows what the original shows."""
    pictures = await render(renderer, originals.image(form, (3000, 1500), mode))
    for size, data in pictures.items():
        picture = originals.opened(data)
        assert picture.format == "WEBP"
        assert picture.size == (PIXELS[size], PIXELS[size] // 2)
        assert originals.is_like(picture.convert("RGB").getpixel((10, 10)), originals.LEFT)
        assert originals.is_like(picture.convert("RGB").getpixel((PIXELS[size] - 10, 10)), originals.RIGHT)


async def test_a_small_image_is_not_blown_up(renderer: WorkerRenderer) -> None:
    """Of 100 pixels none become 320."""
    pictures = await render(renderer, originals.image(size=(100, 50)))
    assert {originals.opened(data).size for data in pictures.values()} == {(100, 50)}


@pytest.mark.parametrize(
    ("orientation", "left_is_at"), [(1, (10, 100)), (3, (-10, 100)), (6, (100, 10)), (8, (100, -10))]
)
async def test_a_turned_photo_is_upright(
    renderer: WorkerRenderer, orientation: int, left_is_at: tuple[int, int]
) -> None:
    """What its EXIF data says of how the camera was held is done to it."""
    picture = originals.opened((await render(renderer, originals.photo(orientation)))["large"])
    across, down = left_is_at
    assert originals.is_like(picture.getpixel((across % picture.width, down % picture.height)), originals.LEFT)


async def test_a_rendition_contains_no_metadata(renderer: WorkerRenderer) -> None:
    """Camera, place and the rest of the EXIF data stay in the original: a reader of a share sees the picture only."""
    for data in (await render(renderer, originals.photo(6))).values():
        assert b"canary-camera" not in data
        assert not originals.opened(data).getexif()


async def test_facts_of_a_photo_are_returned_beside_its_pictures(renderer: WorkerRenderer) -> None:
    """Size upright, camera, time, and place where it was taken; a PDF has its pages; others what is known."""
    taken = Facts(
        width=48, height=96, taken_at="2024-05-06T07:08:09", camera="Canary One", orientation=6,
        latitude=48.14167, longitude=-11.575,
    )  # fmt: skip
    camera = {"maker": "Canary", "model": "Canary One", "taken": "2024:05:06 07:08:09", "place": True}
    assert (await rendered(renderer, originals.photo(6, (96, 48), **camera))).facts == taken
    assert (await rendered(renderer, originals.image(size=(90, 20)))).facts == Facts(width=90, height=20)
    assert (await rendered(renderer, originals.pdf("red", "blue"), Kind.PDF)).facts == Facts(pages=2)


async def test_malformed_facts_cost_nothing_but_themselves(renderer: WorkerRenderer) -> None:
    """The picture is shown without them."""
    made = await rendered(renderer, originals.photo(77, (96, 48), maker="\x00" * 9, model="x" * 999, taken="::"))
    assert made.facts == Facts(width=96, height=48, camera="x" * 100)
    assert made.pictures.keys() == PIXELS.keys()


async def test_a_photo_of_a_phone_is_shown(renderer: WorkerRenderer) -> None:
    """HEIC, turned upright, with its facts, and without them in the picture."""
    made = await rendered(renderer, samples.HEIC)
    assert made.facts == Facts(
        width=48, height=96, taken_at="2024-05-06T07:08:09", camera="Canary One", orientation=6,
        latitude=48.14167, longitude=11.575,
    )  # fmt: skip
    picture = originals.opened(made.pictures["large"])
    assert picture.size == (48, 96)
    assert originals.is_like(picture.getpixel((24, 5)), originals.LEFT)
    assert originals.is_like(picture.getpixel((24, -5 % 96)), originals.RIGHT)
    assert b"Canary" not in made.pictures["large"]


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
async def test_what_a_vector_image_refers_to_means_nothing(renderer: WorkerRenderer, inside: str) -> None:
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


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIC", "PDF", "SVG"])
async def test_damaged_bytes_end_with_a_picture_or_a_reason(tmp_path: Path, form: str) -> None:
    """Thirty contents of each format with random bytes changed; the next undamaged one is rendered."""
    kind = {"PDF": Kind.PDF, "SVG": Kind.SVG}.get(form, Kind.IMAGE)
    made = {"HEIC": samples.HEIC, "PDF": originals.pdf("red"), "SVG": originals.svg("<text y='9'>damaged</text>")}
    whole = made.get(form) or originals.image(form, (90, 60))
    chance = random.Random(form)
    store: Any = Store()
    limits = WorkerLimits(seconds=10, memory_mb=512)
    renderer = WorkerRenderer(Contents(store), limits, tmp_path, max_pixels=10_000_000, videos=VIDEOS, pdfs=NoPdfs())
    try:
        for _ in range(30):
            damaged = bytearray(whole)
            for _ in range(chance.randint(1, 8)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            with suppress(RenderFailed):
                assert (await render(renderer, bytes(damaged), kind)).keys() == PIXELS.keys()
        assert await render(renderer, whole, kind)
    finally:
        await renderer.close()


@pytest.mark.parametrize("keep", [40, 300, 600, 730, 1000])
async def test_a_damaged_photo_has_a_reason(renderer: WorkerRenderer, keep: int) -> None:
    """Cut anywhere, HEIC and JPEG: no picture or the whole one, and never a worker that is left hanging."""
    assert await refused(renderer, samples.HEIC[:keep]) == "corrupt" if keep < len(samples.HEIC) else True
    assert await refused(renderer, originals.photo(1)[:keep]) == "corrupt"


@pytest.mark.parametrize(("form", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB")])
async def test_a_colour_profile_is_applied_and_left_out(renderer: WorkerRenderer, form: str, mode: str) -> None:
    """Colours are as it says; its bytes, which may be anything and very many, are in no rendition."""
    profile = originals.profile(b"canary" * 100_000)
    pictures = await render(renderer, originals.image(form, (2000, 1000), mode, icc_profile=profile))
    for data in pictures.values():
        assert b"canary" not in data
        assert len(data) < len(profile) / 2
        picture = originals.opened(data)
        assert "icc_profile" not in picture.info
        assert originals.is_like(picture.convert("RGB").getpixel((10, 10)), originals.RIGHT)


async def test_a_broken_profile_costs_nothing_but_itself(renderer: WorkerRenderer) -> None:
    """The picture is shown without it."""
    for data in (await render(renderer, originals.image(icc_profile=b"canary" * 100_000))).values():
        assert b"canary" not in data
        assert originals.is_like(originals.opened(data).getpixel((10, 10)), originals.LEFT)


def variant_of(data: bytes, kind: Kind, spec: Spec) -> Variant:
    return Variant(rendition_id="r", owner_id="a", kind=kind, size=len(data), spec=spec)


async def variant(renderer: WorkerRenderer, data: bytes, kind: Kind = Kind.IMAGE, **wanted: Any) -> Image.Image:
    store: Any = renderer._contents._store
    store.objects["k"] = data
    made = await renderer.render_variant(variant_of(data, kind, Spec(**wanted)), ["k"])
    return originals.opened(made)


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


async def test_deep_levels_keep_their_light(renderer: WorkerRenderer) -> None:
    """A scan of 16 bits is not white all over."""
    out = io.BytesIO()
    Image.new("I;16", (40, 40), 0x8000).save(out, "PNG")
    picture = originals.opened((await render(renderer, out.getvalue()))["small"]).convert("L")
    assert 110 < int(picture.getpixel((20, 20))) < 145  # type: ignore[arg-type]


async def test_a_pdf_shows_its_first_page(renderer: WorkerRenderer) -> None:
    """Upright, in its shape, without the pages behind it."""
    pictures = await render(renderer, originals.pdf("red", "blue"), Kind.PDF)
    picture = originals.opened(pictures["large"])
    assert picture.height == PIXELS["large"]
    assert picture.width == pytest.approx(PIXELS["large"] * 420 / 595, abs=2)
    assert originals.is_like(picture.getpixel((300, 300)), (255, 0, 0))


async def test_a_content_without_picture_has_a_reason(renderer: WorkerRenderer) -> None:
    """Broken, cut short, locked, and not what their types say: each with its stable reason."""
    whole = originals.image("PNG", (400, 400))
    assert await refused(renderer, b"no picture at all") == "corrupt"
    assert await refused(renderer, whole[: len(whole) // 2]) == "corrupt"
    assert await refused(renderer, originals.pdf("red")) == "corrupt"
    assert await refused(renderer, b"%PDF-1.7 and nothing else", Kind.PDF) == "corrupt"
    assert await refused(renderer, originals.pdf("red", password="x"), Kind.PDF) == "encrypted"


async def test_a_bomb_is_not_unpacked(renderer: WorkerRenderer) -> None:
    """A few kilobytes that declare more pixels than allowed are refused by the worker, which continues."""
    await render(renderer, originals.image())
    [before] = renderer.pool.pids
    data = originals.bomb(60)
    assert len(data) < 100_000
    assert await refused(renderer, data) == "too_large"
    assert renderer.pool.pids == [before]


async def test_too_much_memory_ends_the_worker_alone(tmp_path: Path) -> None:
    """The limit ends what an image does; the next one has its pictures."""
    store: Any = Store()
    renderer = WorkerRenderer(
        Contents(store), WorkerLimits(memory_mb=256), tmp_path, max_pixels=2_000_000_000, videos=VIDEOS, pdfs=NoPdfs()
    )
    try:
        assert await refused(renderer, originals.bomb(900)) in ("out_of_memory", "parser_crashed")
        assert await render(renderer, originals.image())
    finally:
        await renderer.close()


async def test_too_much_time_ends_the_worker_alone(tmp_path: Path) -> None:
    """Past its time a worker is killed, and nothing of its work is left in the folder."""
    store: Any = Store()
    folder = tmp_path / "work"
    folder.mkdir()
    renderer = WorkerRenderer(
        Contents(store), WorkerLimits(seconds=0.01), folder, max_pixels=50_000_000, videos=VIDEOS, pdfs=NoPdfs()
    )
    try:
        assert await refused(renderer, originals.image("PNG", (4000, 4000))) == "timed_out"
    finally:
        await renderer.close()
    assert not list(folder.iterdir())


async def test_too_large_a_content_is_not_fetched(tmp_path: Path) -> None:
    """What is said of its size is enough."""
    store: Any = Store()
    renderer = WorkerRenderer(
        Contents(store), WorkerLimits(max_document_bytes=10), tmp_path, max_pixels=1, videos=VIDEOS, pdfs=NoPdfs()
    )
    assert await refused(renderer, b"x" * 11) == "too_large"
    assert renderer.pool.pids == []


async def test_a_content_that_is_nowhere_is_reported_missing(renderer: WorkerRenderer) -> None:
    """Whoever asked can tell it from one that can't be read."""
    rendition = Rendition(
        id="r", owner_id="a", kind=Kind.IMAGE, size=1, attempts=1, waits=0, lease_owner="l", traceparent=None
    )
    with pytest.raises(ObjectNotFound):
        await renderer.render(rendition, ["gone"])


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


@pytest.mark.parametrize("text", ["x", "Ada Lovelace, ada@example.org", "long " * 60])
def test_a_watermark_costs_little_beside_a_photo_of_12_megapixels(text: str) -> None:
    """At most a third of the processor time of writing the photo as WebP, of which the best of some: memory that is
    touched first takes longer.
    """
    photo = Image.effect_noise((1000, 750), 60).resize((4000, 3000)).convert("RGB")

    def seconds(work: Callable[[], object]) -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    written = min(seconds(lambda: photo.save(io.BytesIO(), "WEBP")) for _ in range(3))
    marked = min(seconds(lambda: mark(photo.copy(), text)) for _ in range(3))
    assert marked < written / 3
