"""The viewer, versions and comparison; active content of files never runs."""

import io

import media_samples as samples
import pytest
from PIL import Image
from playwright.async_api import expect
from web_visitors import Visitor, check_page

from docstore_platform.testing import eventually

MARKDOWN = b"""# Plan

Some **bold** words, `code`, and a [link](https://example.org).

| a | b |
|---|---|
| 1 | 2 |

- [x] done
- [ ] to do

<script>document.title = 'hacked'</script>
<img src=x onerror="document.title='hacked'">
[bad](javascript:document.title='hacked') ![far](https://example.org/pixel.png)
"""


def pdf() -> bytes:
    """A page that says hello."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    return one_page(b"BT /F1 24 Tf 60 100 Td (Hello from a PDF page) Tj ET", b"/Font<</F1 5 0 R>>", font)


def pdf_of_jpeg_2000() -> bytes:
    """A page that is blue all over, by a picture that browsers can't decode themselves."""
    target = io.BytesIO()
    Image.new("RGB", (64, 64), (20, 20, 200)).save(target, "JPEG2000")
    kind = b"/Type/XObject/Subtype/Image/Width 64/Height 64/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/JPXDecode"
    return one_page(b"300 0 0 200 0 0 cm /I Do", b"/XObject<</I 5 0 R>>", stream(target.getvalue(), kind))


def pdf_in_chinese() -> bytes:
    """A page that says hello, its characters numbered as in a table that every reader has to know."""
    text = "你好".encode("utf-16-be").hex().encode()
    return one_page(
        b"BT /F 80 Tf 20 60 Td <" + text + b"> Tj ET",
        b"/Font<</F 5 0 R>>",
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UTF16-H/DescendantFonts[6 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/FontDescriptor 7 0 R/DW 1000"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>>>",
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
        b"/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
    )


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n" % (entries, len(content)) + content + b"\nendstream"


def one_page(drawn: bytes, resources: bytes, *more: bytes) -> bytes:
    """A document of one page; `more` objects have the numbers 5 and on."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<<" + resources + b">>>>",
        stream(drawn),
        *more,
    ]
    body, offsets = b"%PDF-1.5\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj" % number + text + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(body)
    size = len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n" % size + table
    return body + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, start)


async def test_the_viewer_shows_each_kind(ada: Visitor, png: bytes) -> None:
    """Text, Markdown, a picture and a PDF, one after the other by the arrow key."""
    await ada.put("/a plan.md", MARKDOWN)
    await ada.put("/b letter.pdf", pdf())
    await ada.put("/c picture.png", png)
    await ada.put("/d notes.txt", "Grüße\nLine 2".encode())
    await ada.put("/e data.bin", bytes(200))
    page = await ada.open()
    await ada.row("a plan.md").dblclick()
    viewer = page.get_by_role("dialog")
    await expect(viewer.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    await check_page(page, "viewer-markdown")
    await viewer.get_by_role("button", name="Show source").click()
    await expect(viewer.get_by_text("# Plan")).to_be_visible()
    await viewer.get_by_role("button", name="Next file").click()
    await expect(viewer.get_by_text("Hello from a PDF page")).to_be_attached()
    await check_page(page, "viewer-pdf")
    await page.keyboard.press("ArrowRight")
    await expect(viewer.get_by_role("img", name="c picture.png")).to_be_visible()
    await expect(page.locator("img.viewer-picture")).to_have_js_property("naturalWidth", 640)
    await check_page(page, "viewer-picture")
    await page.keyboard.press("ArrowRight")
    await expect(viewer.get_by_text("Grüße")).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(viewer.get_by_text("No preview for this type")).to_be_visible()
    async with page.expect_download() as download:
        await viewer.get_by_role("button", name="Download").last.click()
    assert (await download.value).suggested_filename == "e data.bin"
    await page.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)


async def test_photos_and_videos_that_browsers_do_not_know_are_shown(ada: Visitor) -> None:
    """As the server renders and converts them; the details say where and with what a photo was taken."""
    await ada.put("/a photo.heic", samples.HEIC, content_type="image/heic")
    await ada.put("/b film.avi", samples.video("avi", codec="mpeg4"), content_type="video/x-msvideo")
    page = await ada.open()
    await expect(ada.row("b film.avi").locator("img.thumbnail")).to_be_visible(timeout=30_000)
    await ada.row("a photo.heic").click()
    await page.get_by_role("button", name="Details", exact=True).click()
    details = page.get_by_role("complementary", name="Details")
    for shown in ("48 × 96", "Canary One", "48.14167, 11.575"):
        await expect(details.get_by_text(shown)).to_be_visible()
    await ada.row("a photo.heic").dblclick()
    viewer = page.get_by_role("dialog")
    await expect(viewer.locator("img.viewer-picture[src*='width=4096']")).to_have_js_property("naturalWidth", 48)
    await page.keyboard.press("ArrowRight")
    await expect(viewer.locator("video[src*='kind=rendition']")).to_be_visible(timeout=30_000)


async def test_a_converted_video_plays(ada: Visitor) -> None:
    """From its beginning to its end, with its size: the browser decodes the H.264 and AAC that it was converted to."""
    await ada.put("/a photo.heic", samples.HEIC, content_type="image/heic")
    await ada.put("/b film.avi", samples.video("avi", codec="mpeg4"), content_type="video/x-msvideo")
    page = await ada.open()
    codecs = 'video/mp4; codecs="avc1.64001f, mp4a.40.2"'
    if not await page.evaluate("type => document.createElement('video').canPlayType(type)", codecs):
        pytest.skip(f"THE RENDITION WAS NOT PLAYED: this Chromium cannot decode {codecs}")
    await expect(ada.row("b film.avi").locator("img.thumbnail")).to_be_visible(timeout=30_000)
    await ada.row("a photo.heic").dblclick()
    viewer = page.get_by_role("dialog")
    await expect(viewer.locator("img.viewer-picture[src*='width=4096']")).to_have_js_property("naturalWidth", 48)
    await page.keyboard.press("ArrowRight")
    video = viewer.locator("video[src*='kind=rendition']")
    await expect(video).to_be_visible(timeout=30_000)
    await video.evaluate("video => { video.muted = true; return video.play(); }")
    await expect(video).to_have_js_property("ended", True)
    seen = await video.evaluate("video => [video.videoWidth, video.videoHeight, video.currentTime]")
    assert seen == [320, 180, pytest.approx(3.0, abs=0.2)]


async def test_pdfs_that_need_decoders_and_character_maps_are_drawn(ada: Visitor) -> None:
    """A picture as JPEG 2000, and Chinese by a character map that is not in the document."""
    await ada.put("/a picture.pdf", pdf_of_jpeg_2000())
    await ada.put("/b hello.pdf", pdf_in_chinese())
    page = await ada.open()
    await ada.row("a picture.pdf").dblclick()
    viewer = page.get_by_role("dialog")
    drawn = viewer.get_by_role("img", name="Page 1")
    middle = "(canvas) => [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data]"

    async def is_blue() -> bool:
        red, green, blue, _ = await drawn.evaluate(middle)
        return bool(blue > 150 and red < 60 and green < 60)

    await eventually(is_blue)
    await viewer.get_by_role("button", name="Next file").click()
    await expect(viewer.get_by_text("你好")).to_be_attached()


@pytest.mark.parametrize("name", ["page.html", "plan.md", "picture.svg"])
async def test_nothing_of_a_file_runs_here(ada: Visitor, name: str) -> None:
    """Scripts in HTML, Markdown and SVG stay text or picture; the title of the page stays ours."""
    content = {
        "page.html": b"<script>parent.document.title='hacked'</script>",
        "plan.md": MARKDOWN,
        "picture.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload=\"document.title='hacked'\"><rect/></svg>",
    }[name]
    await ada.put(f"/{name}", content)
    page = await ada.open()
    await ada.row(name).dblclick()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page.locator(".viewer-text, .code-view, .viewer-picture").first).to_be_visible()
    assert await page.title() == f"{name} · DocStore"
    assert await page.locator("a[href^='javascript:']").count() == 0
    assert await page.locator(".viewer iframe, .viewer script").count() == 0


async def test_versions_are_compared_and_restored(ada: Visitor) -> None:
    """Two versions side by side; the older becomes the current one again."""
    await ada.put("/story.txt", b"one\ntwo\nthree\nfour\n")
    await ada.put("/story.txt", b"one\n2\nthree\nfour\nfive\n")
    page = await ada.open()
    await ada.row("story.txt").click()
    await page.get_by_role("button", name="Details", exact=True).click()
    await page.get_by_role("tab", name="Versions").click()
    await expect(page.get_by_text("Version 2")).to_be_visible()
    await check_page(page, "versions")
    await page.get_by_role("button", name="Actions for version 1").click()
    await page.get_by_role("menuitem", name="Compare").click()
    dialog = page.get_by_role("dialog", name="Compare")
    await expect(dialog.locator("td.removed")).to_have_text(["Removed: two"])
    await expect(dialog.locator("td.added")).to_have_text(["Added: 2", "Added: five"])
    await check_page(page, "compare")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Actions for version 1").click()
    await page.get_by_role("menuitem", name="Restore").click()
    await expect(page.get_by_text("Version 3")).to_be_visible()
    file = (await ada.person.call("GET", "/v1/files?path=/"))["items"][0]
    assert await ada.person.content(file["id"]) == b"one\ntwo\nthree\nfour\n"
