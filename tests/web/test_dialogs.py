"""Every dialog on a small phone, in the languages with the longest words and the widest letters, and by the keyboard.

Buttons and menus are found by structure, since their texts differ by language.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from web_visitors import MOVED, NewVisitor, Visitor, check_accessible, picture

from docstore_platform.testing import eventually

SMALL_PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
NAME = f"Jahresabschlussbericht-{'Veröffentlichungsentwurf' * 3}.txt"
"""A name without a place to break."""
LAYER = "[role=dialog]:not(.popover, .notices), [role=alertdialog]"
TOO_WIDE = """(layer) => [layer, ...layer.querySelectorAll("*")]
    .filter((each) => each.checkVisibility() && !each.closest(".sr-only, .switch input, svg, option"))
    .filter((each) => {
        const { left, right } = each.getBoundingClientRect();
        const { overflowX } = getComputedStyle(each);
        const over = each.scrollWidth > each.clientWidth + 1;
        const whole = !each.matches("button, .button, select, h2, label, .person, .name") || each.title;
        const cut = over && (/auto|scroll/.test(overflowX) || (!whole && overflowX !== "visible"));
        return left < -0.5 || right > innerWidth + 0.5 || cut;
    })
    .map((each) => each.outerHTML.slice(0, 160))"""
"""Elements that leave the window, scroll sideways, or cut their text without a title that has all of it."""
PAGE_TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"
HAS_FOCUS = "(layer) => layer.contains(document.activeElement)"
LABEL = "(layer) => layer.ariaLabel || document.getElementById(layer.getAttribute('aria-labelledby'))?.textContent"
numbers = count()


async def choose(page: Page, button: Locator, key: str) -> None:
    """An entry of the menu behind a button; the menu has room, too."""
    await button.click()
    entry = page.locator(f"[role=menuitem][data-key='{key}']")
    await expect(entry).to_be_visible()
    assert await page.locator(".popover").evaluate(TOO_WIDE) == [], key
    await entry.click()


async def of_row(visitor: Visitor, key: str, path: str = "/files") -> None:
    page = await visitor.open(path)
    await choose(page, page.locator(".table-body .cell-more button").first, key)


async def new(visitor: Visitor, key: str) -> None:
    page = await visitor.open()
    await choose(page, page.locator(".new-button"), key)


async def details(visitor: Visitor, tab: str, button: str) -> None:
    page = await visitor.open()
    await page.locator(".table-body .cell-check button").first.click()
    await choose(page, page.locator(".selection-bar .tool").last, "details")
    await page.locator(f".details [role=tab][data-key={tab}]").click()
    await page.locator(f".details {button}").last.click()


async def links(visitor: Visitor) -> None:
    await of_row(visitor, "share")
    await visitor.page.locator("[role=tab][data-key=links]").click()
    await visitor.page.locator(".link-row .icon-button").nth(1).click()


async def follow(visitor: Visitor) -> None:
    await details(visitor, "follow", ".follow-buttons .button")


async def secret(visitor: Visitor) -> None:
    await follow(visitor)
    await visitor.page.locator(".dialog .field input").first.fill("http://127.0.0.1:9/" + "hook" * 20)
    await visitor.page.locator(".dialog-footer .primary").click()
    await expect(visitor.page.locator(".copy-field")).to_be_visible()


async def compare(visitor: Visitor) -> None:
    await details(visitor, "versions", ".versions button")
    await visitor.page.locator("[role=menuitem][data-key=compare]").click()
    await expect(visitor.page.locator(".compare")).to_be_visible()


async def search(visitor: Visitor, key: str) -> None:
    page = await visitor.open("/search?q=solar")
    await choose(page, page.locator(".toolbar .tool[aria-haspopup]"), key)


async def keys(visitor: Visitor) -> None:
    page = await visitor.open()
    await choose(page, page.locator(".account-button"), "keys")


async def notices(visitor: Visitor) -> None:
    page = await visitor.open()
    await page.locator("header .icon-button[aria-expanded]").last.click()


async def view(visitor: Visitor) -> None:
    await visitor.open()
    await visitor.enter(NAME)
    await expect(visitor.page.locator(".viewer .code-view, .viewer .viewer-text").first).to_be_visible()


async def edited_by_two(visitor: Visitor) -> None:
    await view(visitor)
    await visitor.page.locator(".viewer header .icon-button").first.click()
    text = visitor.page.locator(".editor-text")
    await expect(text).to_be_visible()
    await visitor.put(f"/{NAME}", f"by another device {next(numbers)}".encode())
    await text.fill(f"by the page {next(numbers)}")
    await expect(visitor.page.get_by_role("alertdialog")).to_be_visible()


async def upload(visitor: Visitor, name: str) -> None:
    page = await visitor.open()
    await page.locator(".new-button").focus()
    files = page.locator("input[type=file]:not([webkitdirectory])").first
    await files.set_input_files([{"name": name, "mimeType": "text/plain", "buffer": b"another"}])


async def full(visitor: Visitor) -> None:
    refusal = {"status": 507, "code": "over_quota", "detail": "", "usage": None}
    await visitor.page.route("**/v1/uploads*", lambda route: route.fulfill(status=507, json=refusal))
    await visitor.page.route("**/v1/uploads/**", lambda route: route.fulfill(status=507, json=refusal))
    await upload(visitor, "too large.txt")
    await expect(visitor.page.get_by_role("alertdialog")).to_be_visible()
    await visitor.page.unroute_all(behavior="ignoreErrors")


async def cancel(visitor: Visitor) -> None:
    await visitor.page.route("**/*X-Amz-*", lambda route: None)
    await upload(visitor, "film.txt")
    await visitor.page.locator(".uploads header .icon-button").last.click()


OPENERS: dict[str, Callable[[Visitor], Awaitable[None]]] = {
    "new folder": lambda visitor: new(visitor, "folder"),
    "new text": lambda visitor: new(visitor, "text"),
    "rename": lambda visitor: of_row(visitor, "rename"),
    "move": lambda visitor: of_row(visitor, "move"),
    "copy": lambda visitor: of_row(visitor, "copy"),
    "tags": lambda visitor: of_row(visitor, "tags"),
    "metadata": lambda visitor: details(visitor, "facts", ".buttons .button"),
    "share": lambda visitor: of_row(visitor, "share"),
    "links": links,
    "follow": follow,
    "secret": secret,
    "compare": compare,
    "purge": lambda visitor: of_row(visitor, "purge", "/trash"),
    "save search": lambda visitor: search(visitor, "save"),
    "saved searches": lambda visitor: search(visitor, "delete"),
    "keys": keys,
    "notices": notices,
    "view": view,
    "conflict": edited_by_two,
    "taken": lambda visitor: upload(visitor, NAME),
    "full": full,
    "cancel": cancel,
}


@pytest.fixture
async def new_owner(new_visitor: NewVisitor) -> Callable[..., Awaitable[Visitor]]:
    """Someone with what dialogs are about: a file with versions, tags and shares, a search, something in the trash."""

    async def make(**wishes: Any) -> Visitor:
        visitor = await new_visitor("ada", **wishes)
        call = visitor.person.call
        await visitor.put(f"/{NAME}", b"one", content_type="text/plain")
        file = await visitor.put(f"/{NAME}", b"two " * 40, content_type="text/plain")
        await call("PATCH", f"/v1/files/{file['id']}", {"tags": ["a" * 50, "b" * 50]})
        await call("POST", f"/v1/files/{file['id']}/links", {})
        await call("POST", f"/v1/files/{file['id']}/shares", {"email": f"{'grace' * 10}@example.org", "role": "viewer"})
        await call("POST", "/v1/me/saved-searches", {"name": "solar" * 20, "q": "solar", "filters": {}})
        old = await visitor.put(f"/old {NAME}")
        await call("DELETE", f"/v1/files/{old['id']}")
        return visitor

    return make


async def layer_of(visitor: Visitor) -> Locator:
    layer = visitor.page.locator(LAYER).last
    await expect(layer).to_be_visible()
    await expect(layer.locator(".spinner")).to_have_count(0)
    shown = visitor.page.locator(".overlay, .notices").last
    await expect(shown).to_have_css("opacity", "1")  # later where a field's keyboard might come first
    await visitor.page.evaluate(MOVED)
    return layer


@pytest.mark.parametrize("locale", ["de-DE", "zh-CN"])
async def test_dialogs_have_room_on_a_small_phone(new_owner: Callable[..., Awaitable[Visitor]], locale: str) -> None:
    """Nothing is wider than the window or scrolls sideways, and the main button can be reached."""
    owner = await new_owner(locale=locale, **SMALL_PHONE)
    page = owner.page
    wrong: dict[str, list[str]] = {}
    for name, open_dialog in OPENERS.items():
        await open_dialog(owner)
        layer = await layer_of(owner)
        await picture(page, f"dialog-{name}-{locale}")
        if wide := await layer.evaluate(TOO_WIDE):
            wrong[name] = wide
        assert not await page.evaluate(PAGE_TOO_WIDE), name
        footer = layer.locator(".dialog-footer .button")
        main = footer.last if await footer.count() else layer.locator("header .icon-button").last
        await main.scroll_into_view_if_needed()
        await expect(main, name).to_be_in_viewport(ratio=1)
        if await main.is_enabled():
            await main.click(trial=True)  # fails where something else would be hit
    assert not wrong, "\n".join(f"{name}: {each}" for name, wide in wrong.items() for each in wide)
    await page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize("name", OPENERS)
async def test_dialogs_by_the_keyboard(new_owner: Callable[..., Awaitable[Visitor]], name: str) -> None:
    """A dialog has a name and keeps the focus; Escape closes it, and the focus stays on the page."""
    owner = await new_owner()
    page = owner.page
    await OPENERS[name](owner)
    layer = await layer_of(owner)
    await check_accessible(page)
    assert await layer.evaluate(LABEL)
    await eventually(lambda: layer.evaluate(HAS_FOCUS))
    for key in ("Tab", "Shift+Tab"):
        for _ in range(15):
            assert await layer.evaluate(HAS_FOCUS), key
            await page.keyboard.press(key)
    layers = await page.locator(LAYER).count()
    await page.keyboard.press("Escape")
    await expect(page.locator(LAYER)).to_have_count(layers - 1)
    await expect(page.locator(":focus")).to_have_count(1)
    await page.unroute_all(behavior="ignoreErrors")
