"""The page with its assets and the contents of files from a CDN, which is another origin."""

import io
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import office_samples
import pytest
from deployments import Mailbox
from edge_cache import EdgeCache
from edge_stacks import stack_with_cdn
from many_callers import MANY_CALLERS
from PIL import Image
from playwright.async_api import Request, expect
from web_visitors import Visitor

from docstore_standalone.credentials import load_credentials

ENVIRONMENT = MANY_CALLERS | {"MEDIA_OFFICE_COMMAND": ""}


@pytest.fixture(scope="module")
async def edge_and_stack(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[EdgeCache, tuple[str, str, Mailbox | None]]]:
    async with stack_with_cdn(tmp_path_factory.mktemp("cdn"), ENVIRONMENT) as (stack, edge):
        password = load_credentials(stack.servers.folder).admin_password
        yield edge, (stack.gateway, password, Mailbox(stack.servers.mailbox))


@pytest.fixture
def edge(edge_and_stack: tuple[EdgeCache, tuple[str, str, Mailbox | None]]) -> EdgeCache:
    return edge_and_stack[0]


@pytest.fixture(scope="module")
def served(edge_and_stack: tuple[EdgeCache, tuple[str, str, Mailbox | None]]) -> tuple[str, str, Mailbox | None]:
    return edge_and_stack[1]


async def test_the_page_works_from_a_cdn(ada: Visitor, edge: EdgeCache, png: bytes) -> None:
    """Scripts, styles and contents are the edge's: a PDF, a picture, text and a download."""
    asked: dict[str, set[str]] = {}

    def note(request: Request) -> None:
        parts = urlsplit(request.url)
        asked.setdefault(f"{parts.scheme}://{parts.netloc}", set()).add(parts.path)

    ada.page.on("request", note)
    pdf = io.BytesIO()
    Image.new("RGB", (300, 200), "blue").save(pdf, "PDF")
    await ada.put("/a letter.pdf", pdf.getvalue())
    await ada.put("/b picture.png", png)
    await ada.put("/c notes.txt", "Grüße".encode())
    page = await ada.open()
    await ada.row("a letter.pdf").dblclick()
    viewer = page.get_by_role("dialog")
    await expect(viewer.locator("canvas").first).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("img.viewer-picture")).to_have_js_property("naturalWidth", 640)
    await page.keyboard.press("ArrowRight")
    await expect(viewer.get_by_text("Grüße")).to_be_visible()
    async with page.expect_download() as download:
        await viewer.get_by_role("button", name="Download").last.click()
    assert (await download.value).suggested_filename == "c notes.txt"
    here = {path for path in asked[ada.url] if path.startswith("/assets/")}
    assert all("pdf" in path for path in here), "only the worker of PDF.js and its parts are the gateway's"
    at_edge = asked[edge.url]
    assert any(path.startswith("/assets/index-") and path.endswith(".js") for path in at_edge)
    assert any(path.startswith("/assets/Viewer-") for path in at_edge)
    assert sum(path.startswith(f"/accounts/{ada.person.id}/") for path in at_edge) >= 3
    assert set(asked) == {ada.url, edge.url}


async def test_documents_are_rendered_by_a_script_from_a_cdn(ada: Visitor, edge: EdgeCache) -> None:
    """The frame's document is the gateway's, its script the edge's, which the frame's opaque origin may load."""
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
    await ada.put("/letter.docx", office_samples.docx(1))
    page = await ada.open()
    await ada.row("letter.docx").dblclick()
    await expect(page.frame_locator("iframe.viewer-office").get_by_text("Page 1")).to_be_visible()
    assert f"{ada.url}/frames/docx.html" in asked
    assert any(url.startswith(f"{edge.url}/assets/frames/docx-") for url in asked)
