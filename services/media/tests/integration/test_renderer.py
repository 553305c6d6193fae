"""Pictures of real files by the real worker process, and what hostile ones cost: a worker, never the service."""

import io
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import media_originals as originals
import media_samples as samples
import pytest
from media_contents import VIDEOS, NoPdfs, Store
from PIL import Image
from rendered_pictures import refused, render, rendered

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectNotFound
from docstore_contents.workers.worker_process import WorkerLimits
from docstore_media.kinds import Kind
from docstore_media.rendering.renderer import WorkerRenderer
from docstore_media.rules import PIXELS, Facts, RenderFailed, Rendition


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
    """The orientation in its EXIF data is applied."""
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
    """Its colours are applied; its bytes, which may be anything and very many, are in no rendition."""
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
