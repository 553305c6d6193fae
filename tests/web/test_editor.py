"""New text files and the editor: saved by itself, nothing lost when two people write at once; what keys do."""

from playwright.async_api import expect
from web_visitors import Visitor, check_page

from docstore_platform.testing import eventually


async def test_a_new_text_is_written_and_saved_by_itself(ada: Visitor) -> None:
    """From the New menu into the editor; formatted beside it; each save is a version."""
    page = await ada.open()
    await page.get_by_role("button", name="New", exact=True).click()
    await page.get_by_role("menuitem", name="New text file").click()
    await page.get_by_label("Name").fill("Minutes.md")
    await page.get_by_role("button", name="Create").click()
    text = page.get_by_role("textbox", name="Minutes.md")
    await expect(text).to_be_visible()
    await text.fill("# Agenda\n\nFirst *item*\n")
    await expect(page.get_by_role("toolbar", name="Editor")).to_contain_text("Saved")
    await check_page(page, "editor")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("heading", name="Agenda")).to_be_visible()
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("heading", name="Agenda")).to_be_visible()
    assert await content(ada) == b"# Agenda\n\nFirst *item*\n"
    await page.get_by_role("button", name="Edit").click()
    await text.press("Control+End")
    await text.press_sequentially("Second item")
    await text.press("Control+s")

    async def is_saved() -> bool:
        return await content(ada) == b"# Agenda\n\nFirst *item*\nSecond item"

    await eventually(is_saved)


async def content(ada: Visitor) -> bytes:
    file = await ada.person.call("GET", "/v1/files/by-path?path=/Minutes.md")
    return await ada.person.content(file["id"])


async def test_two_who_write_at_once_lose_nothing(ada: Visitor) -> None:
    """The second one is asked: their text becomes a conflicted copy, or the next version."""
    await ada.put("/Minutes.md", b"begin", content_type="text/markdown")
    page = await ada.open()
    await ada.row("Minutes.md").dblclick()
    await page.get_by_role("button", name="Edit").click()
    text = page.get_by_role("textbox", name="Minutes.md")
    await expect(text).to_have_value("begin")
    await ada.put("/Minutes.md", b"by another device", content_type="text/markdown")
    await text.fill("by the page")
    question = page.get_by_role("alertdialog")
    await expect(question).to_contain_text("was changed by someone else")
    await check_page(page, "editor-conflict")
    await question.get_by_role("button", name="Keep both").click()
    await expect(page.get_by_role("textbox", name="Minutes.md")).to_have_count(0)
    names = await ada.person.names("/")
    assert len(names) == 2
    assert await content(ada) == b"by another device"


async def test_keys_are_listed(ada: Visitor) -> None:
    """By `?`, and from the account menu."""
    page = await ada.open()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Move to the trash")
    await check_page(page, "keys")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("menuitem", name="Keyboard shortcuts").click()
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
