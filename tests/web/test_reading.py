"""Looking at files: the viewer, versions, comparing; and that nothing of a file runs on the page's origin."""

from typing import Any

import pytest
from playwright.async_api import expect

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
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length 56>>stream\nBT /F1 24 Tf 60 100 Td (Hello from a PDF page) Tj ET    \nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj" % number + text + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(body)
    body += b"xref\n0 6\n0000000000 65535 f \n" + table
    return body + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start


async def test_the_viewer_shows_each_kind(ada: Any, png: bytes, looks: Any) -> None:
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
    await looks(page, "viewer-markdown")
    await viewer.get_by_role("button", name="Show source").click()
    await expect(viewer.get_by_text("# Plan")).to_be_visible()
    await viewer.get_by_role("button", name="Next file").click()
    await expect(viewer.get_by_text("Hello from a PDF page")).to_be_attached()
    await looks(page, "viewer-pdf")
    await page.keyboard.press("ArrowRight")
    await expect(viewer.get_by_role("img", name="c picture.png")).to_be_visible()
    await page.wait_for_function("document.querySelector('img.viewer-picture')?.naturalWidth === 640")
    await looks(page, "viewer-picture")
    await page.keyboard.press("ArrowRight")
    await expect(viewer.get_by_text("Grüße")).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(viewer.get_by_text("has no preview")).to_be_visible()
    async with page.expect_download() as download:
        await viewer.get_by_role("button", name="Download").last.click()
    assert (await download.value).suggested_filename == "e data.bin"
    await page.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)


@pytest.mark.parametrize("name", ["page.html", "plan.md", "picture.svg"])
async def test_nothing_of_a_file_runs_here(ada: Any, name: str) -> None:
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
    await expect(page.locator(".viewer-text, .viewer-picture").first).to_be_visible()
    assert await page.title() == "My files · DocStore"
    assert await page.locator("a[href^='javascript:']").count() == 0
    assert await page.locator(".viewer iframe, .viewer script").count() == 0


async def test_versions_are_compared_and_restored(ada: Any, looks: Any) -> None:
    """Two versions side by side; the older becomes the current one again."""
    await ada.put("/story.txt", b"one\ntwo\nthree\nfour\n")
    await ada.put("/story.txt", b"one\n2\nthree\nfour\nfive\n")
    page = await ada.open()
    await ada.row("story.txt").click()
    await page.get_by_role("button", name="Details", exact=True).click()
    await page.get_by_role("tab", name="Versions").click()
    await expect(page.get_by_text("Version 2")).to_be_visible()
    await looks(page, "versions")
    await page.get_by_role("button", name="Actions for version 1").click()
    await page.get_by_role("menuitem", name="Compare").click()
    dialog = page.get_by_role("dialog", name="Compare")
    await expect(dialog.locator("td.removed")).to_have_text(["Removed: two"])
    await expect(dialog.locator("td.added")).to_have_text(["Added: 2", "Added: five"])
    await looks(page, "compare")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Actions for version 1").click()
    await page.get_by_role("menuitem", name="Restore").click()
    await expect(page.get_by_text("Version 3")).to_be_visible()
    file = (await ada.person.call("GET", "/v1/files?path=/"))["items"][0]
    assert await ada.person.content(file["id"]) == b"one\ntwo\nthree\nfour\n"
