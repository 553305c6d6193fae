"""The filters of a search and of a folder on a small phone: each can be read, in every language of the page."""

import pytest
from playwright.async_api import Locator, expect
from web_visitors import NewVisitor, check_page

SMALL_PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
LANGUAGES = ["en-GB", "de-DE", "es-ES", "zh-CN"]
CUT_OFF = """(filter) => {
    const needs = (text) => {
        const copy = filter.cloneNode();
        if (filter.matches("select")) copy.append(new Option(text));
        else copy.placeholder = text;
        Object.assign(copy.style, {width: "auto", minWidth: 0, maxWidth: "none", flex: "none", fieldSizing: "content"});
        filter.after(copy);
        const width = copy.offsetWidth;
        copy.remove();
        return width;
    };
    const text = filter.matches("select") ? filter.selectedOptions[0].text : filter.placeholder;
    return filter.offsetWidth < needs(text) || needs(text) <= needs("");
}"""
"""Whether a filter is narrower than a copy that takes all the room it needs. The text of a select is no part of its
scrollWidth."""


async def check_readable(one: Locator) -> None:
    """It has room for its text, also beside the button that empties a field, which is not seen before it is needed."""
    assert not await one.evaluate(CUT_OFF), await one.get_attribute("aria-label")
    if await one.evaluate("(one) => one.type") == "search":
        shown = await one.screenshot()
        await one.evaluate("(one) => { one.type = 'text'; }")
        assert shown == await one.screenshot(), "the button takes room from the text"


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_filters_of_a_search_can_be_read_on_a_small_phone(new_visitor: NewVisitor, locale: str) -> None:
    """Each has room for its text; those that have none beside each other are reached by scrolling their line."""
    visitor = await new_visitor("ada", plan="premium", locale=locale, **SMALL_PHONE)
    page = await visitor.open("/search?q=plan&tag=tax")
    await expect(page.locator(".spinner")).to_have_count(0)
    await check_page(page, f"filters-{locale}")
    filters = page.locator(".toolbar select, .toolbar input")
    await expect(filters).to_have_count(7)
    for one in await filters.all():
        await check_readable(one)
    for one in await page.locator(".toolbar > *").all():
        assert await one.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1"), await one.text_content()
        await one.scroll_into_view_if_needed()
        await expect(one).to_be_in_viewport(ratio=0.99)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_the_filter_of_a_folder_can_be_read_on_a_small_phone(new_visitor: NewVisitor, locale: str) -> None:
    """It has room for its word, beside buttons that keep their size."""
    visitor = await new_visitor("ada", locale=locale, **SMALL_PHONE)
    await visitor.put("/plan.txt")
    page = await visitor.open()
    await expect(visitor.row("plan.txt")).to_be_visible()
    await check_readable(page.locator(".toolbar input"))
    for button in await page.locator(".toolbar .icon-button").all():
        assert await button.evaluate("(button) => button.offsetWidth") == 36
