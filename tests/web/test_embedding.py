"""QR codes and embed codes of links: made by the owner in the page, used by a phone and by another site."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Frame, Page, expect
from web_visitors import Visitor, check_page

from docstore_platform.testing import eventually

Elsewhere = Callable[[str], Awaitable[Page]]
"""Shows HTML as a page of another site, to someone who is not logged in."""


@pytest.fixture
async def elsewhere(browser: Browser) -> AsyncIterator[Elsewhere]:
    shown = ""

    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=f"<!doctype html><title>Elsewhere</title>{shown}", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", serve)
    async with TestServer(app) as site, await browser.new_context() as context:
        page = await context.new_page()

        async def show(html: str) -> Page:
            nonlocal shown
            shown = html
            await page.goto(str(site.make_url("/")))
            return page

        yield show


async def test_a_link_is_scanned_and_embedded(ada: Visitor, elsewhere: Elsewhere, png: bytes) -> None:
    """The code that the dialog copies shows the folder in another site; what its owner did not allow stays closed."""
    await ada.put("/Album/sunset.png", png, content_type="image/png")
    await ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await ada.open()
    await ada.row("Album").get_by_role("button", name="Select Album").click()
    await page.get_by_role("button", name="Share", exact=True).click()
    await page.get_by_role("tab", name="Links").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("Allow other sites to embed it").click()
    await dialog.get_by_role("button", name="Create link").click()
    address = await dialog.get_by_label("Link", exact=True).input_value()
    await dialog.get_by_role("button", name="QR code").click()
    await expect(dialog.get_by_role("img", name="QR code of the link")).to_be_visible()
    await check_page(page, "link-qr-code")
    await dialog.get_by_role("button", name="Copy embed code").click()
    await expect(page.get_by_text("Embed code copied.")).to_be_visible()
    code = await page.evaluate("navigator.clipboard.readText()")
    assert f'src="{address}/embed"' in code

    other = await elsewhere(code)
    shown = other.frame_locator("iframe")
    await expect(shown.get_by_role("heading", name="Album")).to_be_visible()
    await shown.get_by_role("link", name="sunset.png").click()
    await expect(shown.get_by_role("heading", name="sunset.png")).to_be_visible()
    await expect(shown.get_by_role("link", name="Open in DocStore")).to_have_attribute("target", "_blank")
    await expect(shown.get_by_text("Download")).to_have_count(0)
    await elsewhere(code.replace("/embed", ""))
    await expect(shown.get_by_role("heading", name="Album")).to_have_count(0)


@pytest.mark.parametrize("options", [{}, {"embed": True, "password": "sesame"}], ids=["not allowed", "password"])
async def test_other_links_can_not_be_framed(ada: Visitor, elsewhere: Elsewhere, options: dict[str, object]) -> None:
    """Chromium shows nothing of them in another site, whatever the address."""
    file = await ada.put("/notes.txt")
    link = await ada.person.call("POST", f"/v1/files/{file['id']}/links", options)
    other = await elsewhere(f'<iframe src="{link["url"]}/embed"></iframe>')
    frame = other.frames[1]
    await eventually(partial(is_refused, frame))
    await expect(other.frame_locator("iframe").get_by_text("notes.txt")).to_have_count(0)


async def is_refused(frame: Frame) -> bool:
    """Whether Chromium shows a page of its own in place of what must not be framed."""
    return frame.url.startswith("chrome-error:")
