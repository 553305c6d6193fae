"""The page in other languages, on a phone, where there is the least room."""

import pytest
from playwright.async_api import Page, expect
from web_visitors import NewVisitor, Visitor, check_page

SECTIONS = ("profile", "plan", "storage", "retention", "sharing", "languages", "devices", "tokens", "notifications")
HEADINGS = {"de-AT": "Einstellungen", "es-MX": "Ajustes", "zh-CN": "设置"}
CUT_OFF = """() => [...document.querySelectorAll("button, .button, .tool, .tag, h1, h2, label, select")]
    .filter((each) => each.checkVisibility() && !each.closest(".sr-only, .count"))
    .filter((each) => (each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflow !== "visible")
        || (each.getBoundingClientRect().right > innerWidth
            && !each.closest(".subnav, .table-scroll, .search-page > .toolbar")))
    .map((each) => each.textContent)"""
"""Texts that their own box or the window cuts off."""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


async def check_fit(page: Page, where: str) -> None:
    assert await page.evaluate(OVERFLOW) <= 0, where
    assert await page.evaluate(CUT_OFF) == [], where


@pytest.mark.parametrize("locale", HEADINGS)
async def test_every_page_has_room_for_its_texts(new_visitor: NewVisitor, locale: str) -> None:
    """In the language of the browser: nothing is cut off, and no page is wider than the phone."""
    visitor = await new_visitor("ada", locale=locale, **PHONE)
    await visitor.put("/plan.txt")
    page = await visitor.open()
    await expect(visitor.row("plan.txt")).to_be_visible()
    await check_fit(page, "files")
    await visitor.row("plan.txt").locator("button.check").click()
    await check_fit(page, "selection")
    for address in ("/shared", "/trash", "/search?q=plan", *(f"/settings/{section}" for section in SECTIONS)):
        await page.goto(visitor.url + address)
        await expect(page.locator("main h1")).to_be_visible()
        await expect(page.locator(".spinner")).to_have_count(0)
        await check_fit(page, address)
    await expect(page.get_by_role("heading", level=1)).to_have_text(HEADINGS[locale])
    await check_page(page, f"settings-{locale}")


async def test_a_name_is_read_from_the_right_where_its_letters_are(ada: Visitor) -> None:
    """Its ending stands left of it, as its readers expect; the column stays in line."""
    for name in ("تقرير.pdf", "plan.pdf"):
        await ada.put(f"/{name}")
    await ada.open()
    for name, direction in (("تقرير", "rtl"), ("plan", "ltr")):
        shown = ada.row(name).locator(".name")
        await expect(shown).to_have_css("direction", direction)
        await expect(shown).to_have_css("text-align", "left")


async def test_a_choice_lasts_and_goes_with_the_account(ada: Visitor, new_visitor: NewVisitor) -> None:
    """It shows at once, after a reload, and for the account; another browser of another language has its own."""
    page = await ada.open("/settings/languages")
    await page.get_by_label("Language", exact=True).select_option("es")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ajustes")
    await expect(page.get_by_text("Guardado.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ajustes")
    assert (await ada.person.call("GET", "/v1/me"))["language"] == "es"
    other = await new_visitor("ben", locale="fr-FR")
    await other.open("/settings/languages")
    await expect(other.page.get_by_role("heading", level=1)).to_have_text("Settings")
