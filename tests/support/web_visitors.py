"""People before a browser that shows the web page, and checks that hold for every page."""

import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from people import Person
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Locator,
    Page,
    Request,
)

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder to put pictures of the pages into; none are made without it."""
MOVED = """async () => {
  const ends = (one) => one.effect.getComputedTiming().endTime !== Infinity;
  await Promise.allSettled(document.getAnimations().filter(ends).map((one) => one.finished));
}"""
"""Returns once nothing moves or fades any more, but for what always turns."""


class Visitor:
    """Someone with an account, before a browser: `page` shows the app, `person` calls the API as another device."""

    def __init__(self, url: str, person: Person, context: BrowserContext, page: Page) -> None:
        self.url = url
        self.person = person
        self.context = context
        self.page = page

    async def open(self, path: str = "/files") -> Page:
        await self.page.goto(self.url + path)
        return self.page

    async def put(self, path: str, content: bytes = b"hello", **wishes: Any) -> dict[str, Any]:
        """A file made by another device."""
        upload = await self.person.begin(path, len(content), **wishes)
        means = upload["put"]
        async with self.person._session.put(means["url"], data=content, headers=means["headers"]) as answer:
            assert answer.status == 200, await answer.text()
        return await self.person.complete(upload)

    async def upload(self, *files: FilePayload | str) -> None:
        """Choose files as by New, Upload files."""
        await self.page.set_input_files("input[aria-label='Files to upload']", list(files))

    async def enter(self, name: str) -> None:
        """Open a row: by a double click, on a phone by a tap."""
        if await self.page.evaluate("matchMedia('(pointer: coarse)').matches"):
            await self.row(name).click()  # taps in quick succession would count as one that is double
        else:
            await self.row(name).dblclick()

    def row(self, name: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=name)


class NewVisitor(Protocol):
    async def __call__(
        self, name: str = "ada", *, plan: str = "free", logged_in: bool = True, **wishes: Any
    ) -> Visitor: ...


def watch_page(page: Page, url: str) -> list[str]:
    """What goes wrong on a page: errors in the console, exceptions, and requests to strangers."""
    wrongs: list[str] = []
    ours = urlsplit(url).hostname
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    page.on("console", lambda message: _note_console(message, wrongs))

    def note_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws") and parts.hostname != ours:
            wrongs.append(f"asked {request.url}")

    page.on("request", note_request)
    return wrongs


def _note_console(message: ConsoleMessage, wrongs: list[str]) -> None:
    """A refusal of the server is shown to the user, and by browsers in the console too."""
    if message.type == "error" and "Failed to load resource" not in message.text:
        wrongs.append(message.text)


async def check_accessible(page: Page) -> None:
    """No violation of WCAG 2.2 A or AA that axe-core finds."""
    await page.wait_for_timeout(250)  # transitions of colour are measured at their end, however long they take
    await page.evaluate(MOVED)
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 160)).join(' | ')))"
    )
    assert found == [], "\n".join(found)


async def picture(page: Page, name: str) -> None:
    """Save a screenshot of the page in SCREENSHOTS."""
    if SCREENSHOTS:
        await page.mouse.move(0, 0)
        await page.wait_for_timeout(300)
        await page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.png"))


async def check_page(page: Page, name: str) -> None:
    """Check that a page is accessible, and keep a picture of it."""
    await picture(page, name)
    await check_accessible(page)
