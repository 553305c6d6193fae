"""Office documents in the viewer where the server has no LibreOffice: rendered in a sandboxed frame."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import office_documents as documents
import office_samples as samples
import pytest
from deployments import Mailbox
from gateway_ports import free_gateway_port
from many_callers import MANY_CALLERS
from memory_folders import memory_folder
from playwright.async_api import Frame, FrameLocator, Page, Request, expect
from web_visitors import NewVisitor, Visitor, check_page

from docstore_standalone.credentials import load_credentials
from docstore_standalone.ports import LOOPBACK
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack

ENVIRONMENT = MANY_CALLERS | {"MEDIA_OFFICE_COMMAND": ""}
TRIES = {
    "origin": "origin",
    "cookie": "document.cookie",
    "storage": "localStorage.length",
    "page": "parent.document.title",
    "token": "parent.sessionStorage.length",
    "network": "fetch('/v1/me').then(() => 'reached')",
    "popup": "String(open('https://example.org/'))",
    "script": "new Promise((done) => { const one = document.createElement('script'); one.onload = () => done('ran'); "
    "one.onerror = () => done('refused'); one.src = '/theme.js'; document.head.append(one); })",
}
"""What a script in the frame would try."""


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, str, Mailbox | None]]:
    async with AsyncExitStack() as closing:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in ENVIRONMENT.items():
                environment.setenv(name, value)
            data = closing.enter_context(memory_folder(tmp_path_factory.mktemp("office")))
            settings = StandaloneSettings(data=data, port=free_gateway_port())
            stack = await closing.enter_async_context(await start_stack(settings))
        password = load_credentials(stack.servers.folder).admin_password
        yield stack.gateway, password, Mailbox(stack.servers.mailbox)


@pytest.fixture
async def stranger() -> AsyncIterator[tuple[str, list[str]]]:
    """A server of someone else's, and what it was asked."""
    asked: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        writer.close()

    async with await asyncio.start_server(note, LOOPBACK, 0) as server:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}", asked


async def view(visitor: Visitor, name: str, content: bytes, page: Page | None = None) -> FrameLocator:
    """Open it in the viewer."""
    await visitor.put(f"/{name}", content)
    shown = page or visitor.page
    await shown.goto(f"{visitor.url}/files")
    await shown.get_by_role("row").filter(has_text=name).dblclick()
    return shown.frame_locator("iframe.viewer-office")


async def test_a_text_document_is_shown(ada: Visitor) -> None:
    """Its headings and pages, by a frame with a name."""
    frame = await view(ada, "letter.docx", samples.docx(2))
    await expect(frame.get_by_text("Page 2")).to_be_visible()
    await expect(frame.locator("section")).to_have_count(2)
    await expect(ada.page.locator("iframe")).to_have_attribute("title", "letter.docx")
    await check_page(ada.page, "viewer-docx")


async def test_a_spreadsheet_is_shown_sheet_by_sheet(ada: Visitor) -> None:
    """Values in a table with the names of columns and rows; a button for each sheet."""
    content = documents.xlsx(documents.row(1, "Rent", 1200), documents.row(3, "Second sheet"))
    frame = await view(ada, "costs.xlsx", content)
    await expect(frame.get_by_role("cell", name="Rent")).to_be_visible()
    await expect(frame.get_by_role("cell", name="1200")).to_be_visible()
    await frame.get_by_role("button", name="Sheet 2").click()
    await expect(frame.get_by_role("cell", name="Second sheet")).to_be_visible()
    await check_page(ada.page, "viewer-xlsx")


async def test_a_presentation_is_shown(ada: Visitor) -> None:
    """Its slides, one below the other; links on them lead nowhere."""
    frame = await view(ada, "talk.pptx", documents.pptx("Welcome everybody", "Thank you"))
    await expect(frame.get_by_text("Welcome everybody")).to_be_visible()
    await expect(frame.get_by_text("Thank you")).to_be_attached()
    await frame.get_by_text("Welcome everybody").click()
    await expect(frame.get_by_text("Welcome everybody")).to_be_visible()
    assert await frame.locator("a[href]").count() == 0
    assert len(ada.context.pages) == 1
    await check_page(ada.page, "viewer-pptx")


@pytest.mark.parametrize(
    ("name", "make", "texts"),
    [
        ("letter.doc", lambda: samples.WORD_97, ["Test OLE file, saved as Word 97-2003 Document."]),
        ("talk.ppt", lambda: samples.POWERPOINT_97, ["Welcome everybody", "Thank you", "日本"]),
        ("costs.xls", lambda: samples.EXCEL_97, ["Größe", "1200", "2026-11-25"]),
        ("letter.odt", lambda: samples.ODT, ["Hello"]),
        ("costs.ods", lambda: samples.ODS, ["Hello"]),
        ("talk.odp", lambda: samples.ODP, ["Hello"]),
        ("letter.rtf", lambda: samples.RTF, ["Again"]),
    ],
    ids=["doc", "ppt", "xls", "odt", "ods", "odp", "rtf"],
)
async def test_older_formats_and_opendocument_are_shown(
    ada: Visitor, name: str, make: Callable[[], bytes], texts: list[str]
) -> None:
    """Their texts and values; where the layout is missing, the viewer says so."""
    frame = await view(ada, name, make())
    for text in texts:
        await expect(frame.get_by_text(text).first).to_be_visible()
    is_table = name.startswith("costs")
    await expect(ada.page.get_by_role("dialog").get_by_text("Text only.")).to_have_count(0 if is_table else 1)
    await check_page(ada.page, f"viewer-{name}")


async def test_the_page_of_a_link_shows_documents(ada: Visitor) -> None:
    """Without a log-in: by a frame in a frame. A link that limits downloads waits for the visitor, and counts one."""
    file = await ada.put("/offer.docx", samples.docx(2))
    for options, left in (({}, None), ({"max_downloads": 2}, 1)):
        link = await ada.person.call("POST", f"/v1/files/{file['id']}/links", options)
        page = await ada.open(f"/l/{link['token']}")
        if left is not None:
            await page.get_by_role("link", name="Show it here").click()
        shown = page.frame_locator("iframe.document").frame_locator("iframe")
        await expect(shown.get_by_text("Page 2")).to_be_visible()
        await expect(page.frame_locator("iframe.document").get_by_role("status")).to_have_count(0)
        await check_page(page, f"link-document-{left}")
        links = await ada.person.call("GET", f"/v1/files/{file['id']}/links/{link['id']}")
        assert links["downloads"] == 1


async def test_the_page_of_a_link_shows_when_only_the_text_is_available(ada: Visitor) -> None:
    """Above the document, of a format without layout."""
    file = await ada.put("/offer.odt", samples.ODT)
    link = await ada.person.call("POST", f"/v1/files/{file['id']}/links", {})
    page = await ada.open(f"/l/{link['token']}")
    document = page.frame_locator("iframe.document")
    await expect(document.frame_locator("iframe").get_by_text("Hello")).to_be_visible()
    await expect(document.get_by_role("status")).to_contain_text("Text only.")


async def test_a_hostile_document_reaches_nothing(ada: Visitor, stranger: tuple[str, list[str]]) -> None:
    """Scripts, HTML, links and pictures in it: no request, no navigation, nothing of the page."""
    page = await ada.context.new_page()  # the policy's refusals are errors in its console
    url, asked = stranger
    frame = await view(ada, "hostile.docx", documents.hostile_docx(url), page)
    await expect(frame.get_by_text("The end")).to_be_visible()
    await expect(frame.get_by_text("<script>hacked=1</script>")).to_be_visible()
    for link in ("Script link", "Web link"):
        await frame.get_by_text(link).click()
        await frame.get_by_text(link).click(button="middle")
    await expect(frame.get_by_text("The end")).to_be_visible()
    assert await frame.locator("a[href], iframe, script:not([nonce])").count() == 0
    assert await page.evaluate("typeof hacked") == "undefined"
    assert asked == []
    assert len(ada.context.pages) == 2


async def test_a_hostile_opendocument_reaches_nothing(ada: Visitor, stranger: tuple[str, list[str]]) -> None:
    """A picture that is elsewhere is not fetched."""
    page = await ada.context.new_page()
    url, asked = stranger
    frame = await view(ada, "hostile.odt", samples.stealing(url)[1], page)
    await expect(page.get_by_role("dialog").get_by_text("Text only.")).to_be_visible()
    await expect(frame.locator("article")).to_be_attached()
    assert await frame.locator("img, a").count() == 0
    assert asked == []


async def test_a_script_in_the_frame_would_reach_nothing(ada: Visitor) -> None:
    """Its origin is opaque: no cookies, no storage, no page, no network, no other script."""
    page = await ada.context.new_page()
    asked: list[Request] = []
    frame = await view(ada, "letter.docx", samples.docx(1), page)
    await expect(frame.get_by_text("Page 1")).to_be_visible()
    inner = next(one for one in page.frames if one.parent_frame)
    page.on("request", lambda request: asked.append(request))
    found = {name: await tried(inner, script) for name, script in TRIES.items()}
    refused = dict.fromkeys(("cookie", "storage", "page", "token", "network"), "error")
    assert found == {"origin": "null", **refused, "popup": "null", "script": "refused"}
    assert [one.url for one in asked if "/v1/me" in one.url] == []
    assert ada.person.email not in await inner.content()


async def tried(frame: Frame, script: str) -> object:
    return await frame.evaluate(f"Promise.resolve().then(() => {script}).catch(() => 'error')")


async def test_a_busy_frame_does_not_hold_the_page(ada: Visitor) -> None:
    """It has a process of its own: the page answers, and closing the viewer ends it."""
    frame = await view(ada, "letter.docx", samples.docx(1))
    await expect(frame.get_by_text("Page 1")).to_be_visible()
    inner = next(one for one in ada.page.frames if one.parent_frame)
    await inner.evaluate("void setTimeout(() => { for (;;); }, 0)")
    await ada.page.get_by_role("button", name="Close").click()
    await expect(ada.page.locator("iframe")).to_have_count(0)


async def test_other_windows_are_not_heard(ada: Visitor) -> None:
    """A message like the frame's, from elsewhere: the document stays."""
    frame = await view(ada, "letter.docx", samples.docx(1))
    await expect(frame.get_by_text("Page 1")).to_be_visible()
    await ada.page.evaluate("postMessage({state: 'failed', reason: 'damaged'}, '*')")
    await ada.page.evaluate("frames[0].postMessage({bytes: new ArrayBuffer(4)}, '*')")
    await expect(frame.get_by_text("Page 1")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "make", "why"),
    [
        ("bomb.docx", lambda: samples.zip_bomb(1), "too large to be shown here"),
        (
            "bomb.xlsx",
            lambda: documents.xlsx('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
            "too large to be",
        ),
        ("laughs.docx", samples.laughing, "is damaged"),
        ("garbage.pptx", lambda: bytes(range(256)) * 40, "is damaged"),
        ("other.pptx", lambda: samples.docx(1), "is damaged"),
        ("secret.docx", lambda: samples.ENCRYPTED, "protected by a password"),
        ("bomb.odt", lambda: samples.zip_bomb(1), "too large to be shown here"),
        ("garbage.xls", lambda: bytes(range(256)) * 40, "is damaged"),
        ("cut.doc", lambda: samples.WORD_97[:9_000], "is damaged"),
    ],
    ids=[
        *("zip bomb", "vast sheet", "entities", "garbage", "another format", "encrypted"),
        *("zip bomb of OpenDocument", "garbage of Excel", "cut off"),
    ],
)
async def test_a_document_that_cannot_be_shown_has_a_reason(ada: Visitor, name: str, make: object, why: str) -> None:
    """And with a button to download it; the frame is gone."""
    assert callable(make)
    await view(ada, name, make())
    viewer = ada.page.get_by_role("dialog")
    await expect(viewer.get_by_text(why)).to_be_visible()
    await expect(viewer.get_by_role("button", name="Download").last).to_be_visible()
    await expect(viewer.locator("iframe")).to_have_count(0)


async def test_watermarked_readers_get_no_frame(ada: Visitor, new_visitor: NewVisitor) -> None:
    """The document itself is never handed to them."""
    grace = await new_visitor("grace")
    node = await ada.put("/plan.docx", samples.docx(1))
    await ada.person.share(node, grace.person, "viewer", watermark="Copy")
    page = await grace.open(f"/shared?view={node['id']}")
    await expect(page.get_by_text("has no preview that could show it")).to_be_visible()
    await expect(page.locator("iframe")).to_have_count(0)
