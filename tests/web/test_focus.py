"""Where the focus goes, by the keyboard alone, when what has it is gone: dialogs that menus open, buttons, lists."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Locator, Page, expect
from web_visitors import Visitor

DIALOG = "[role=dialog]:not(.popover), [role=alertdialog]"
ROW_DIALOGS = ("share", "rename", "move", "copy", "tags")


async def choose(page: Page, key: str) -> Locator:
    """Choose the entry of an open menu; returns its dialog."""
    entry = page.locator(f"[role=menuitem][data-key='{key}']")
    await expect(page.locator("[role=menuitem]:focus")).to_have_count(1)
    for _ in range(await page.locator("[role=menuitem]").count()):
        if await entry.evaluate("(entry) => entry === document.activeElement"):
            break
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    dialog = page.locator(DIALOG)
    await expect(page.locator(f":is({DIALOG}):focus-within")).to_have_count(1)
    await expect(page.locator("[role=menu]")).to_have_count(0)
    return dialog


async def open_from_row(page: Page, key: str) -> Locator:
    await page.get_by_role("grid").focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("Shift+F10")
    return await choose(page, key)


async def open_from_button(page: Page, button: Locator, key: str) -> Locator:
    await button.focus()
    await page.keyboard.press("Enter")
    return await choose(page, key)


async def press(button: Locator) -> None:
    await expect(button).to_be_enabled()
    await button.focus()
    await button.press("Enter")


CLOSINGS: dict[str, Callable[[Page, Locator], Awaitable[None]]] = {
    "Escape": lambda page, dialog: page.keyboard.press("Escape"),
    "Close": lambda page, dialog: press(dialog.get_by_role("button", name="Close")),
    "Cancel": lambda page, dialog: press(dialog.get_by_role("button", name="Cancel")),
}


@pytest.mark.parametrize("closing", CLOSINGS)
async def test_a_dialog_of_a_row_returns_the_focus_to_the_list(ada: Visitor, closing: str) -> None:
    """However it is closed, loaded just now or before: the arrow keys go on from the same row."""
    for name in ("a.txt", "b.txt"):
        await ada.put(f"/{name}")
    page = await ada.open()
    await expect(ada.row("b.txt")).to_be_visible()
    for key in ROW_DIALOGS * 2:
        if (key, closing) == ("share", "Cancel"):
            continue
        dialog = await open_from_row(page, key)
        await CLOSINGS[closing](page, dialog)
        await expect(dialog, key).to_have_count(0)
        await expect(page.get_by_role("grid"), key).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(ada.row("b.txt"), key).to_have_attribute("aria-selected", "true")


async def test_a_dialog_of_a_button_returns_the_focus_to_it(ada: Visitor) -> None:
    """For menus in the page's head, in the toolbar of a selection, and in the search."""
    await ada.put("/a.txt")
    page = await ada.open()
    await ada.row("a.txt").click()
    for name, key in (("New", "folder"), ("New", "text"), ("Account", "keys"), ("More actions", "rename")):
        button = page.get_by_role("button", name=name, exact=True)
        dialog = await open_from_button(page, button, key)
        await page.keyboard.press("Escape")
        await expect(dialog, key).to_have_count(0)
        await expect(button, key).to_be_focused()
    page = await ada.open("/search?q=a")
    button = page.get_by_role("button", name="Saved searches")
    await open_from_button(page, button, "save")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Search saved.")).to_be_visible()
    await expect(button).to_be_focused()


async def test_the_focus_stays_near_where_its_button_is_gone(ada: Visitor) -> None:
    """Moving a file removes its row and the toolbar of the selection: the list is next, and the page without a list."""
    await ada.put("/plan.txt")
    await ada.person.call("POST", "/v1/folders", {"path": "/Archive"})
    page = await ada.open()
    dialog = page.locator(DIALOG)
    await ada.row("plan.txt").click()
    await press(page.get_by_role("button", name="Move to", exact=True))
    await press(dialog.get_by_role("button", name="Archive"))
    await expect(dialog.get_by_text("No folders in here")).to_be_visible()
    await press(dialog.get_by_role("button", name="Move here"))
    await expect(ada.row("plan.txt")).to_have_count(0)
    await expect(page.get_by_role("grid")).to_be_focused()
    await page.keyboard.press("Home")
    await page.keyboard.press("Enter")
    await expect(ada.row("plan.txt")).to_be_visible()
    await open_from_row(page, "move")
    await press(dialog.get_by_role("button", name="Up one folder"))
    await press(dialog.get_by_role("button", name="Move here"))
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    await expect(page.get_by_role("main")).to_be_focused()


async def test_the_focus_goes_into_the_list_of_a_folder_that_is_opened(ada: Visitor) -> None:
    """By Enter and out again by Backspace, loaded just now or before: the arrow keys go on without a Tab."""
    await ada.put("/Archive/plan.txt")
    page = await ada.open()
    await expect(ada.row("Archive")).to_be_visible()
    await page.get_by_role("grid").focus()
    for _ in range(2):
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("grid", name="Archive")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(ada.row("plan.txt")).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("Backspace")
        await expect(page.get_by_role("grid", name="My files")).to_be_focused()


async def test_a_click_beside_all_controls_takes_the_focus_away(ada: Visitor) -> None:
    """It does not come back with the next change of the page, as the keyboard of a phone would."""
    page = await ada.open()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    await page.get_by_role("searchbox", name="Search files").focus()
    await page.get_by_role("navigation", name="Places").click(position={"x": 20, "y": 400})
    await ada.put("/a.txt")
    await expect(ada.row("a.txt")).to_be_visible()
    await expect(page.locator(":focus")).to_have_count(0)
