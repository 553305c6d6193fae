"""A link for editing: the owner makes it in the page, and anyone changes what is in the folder, without an account."""

from typing import Any

import pytest
from playwright.async_api import Browser, Dialog, Page, expect
from web_visitors import Visitor, check_page

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def answer(page: Page, text: str = "") -> None:
    """Answer the next question of the browser."""

    async def accept(dialog: Dialog) -> None:
        await dialog.accept(text)

    page.once("dialog", accept)


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_a_visitor_edits_a_folder(ada: Visitor, browser: Browser, device: dict[str, Any]) -> None:
    """Adds, replaces, renames, deletes, edits a text; the owner finds all of it, and whose link it was."""
    await ada.put("/Team/plan.txt", b"first", content_type="text/plain")
    await ada.put("/Team/old.txt", b"old", content_type="text/plain")
    page = await ada.open()
    await ada.row("Team").get_by_role("button", name="Select Team").click()
    await page.get_by_role("button", name="Share", exact=True).click()
    await page.get_by_role("tab", name="Links").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Visitors can").select_option("edit")
    await dialog.get_by_role("button", name="Create link").click()
    address = await dialog.get_by_label("Link", exact=True).input_value()
    await expect(dialog.get_by_text("can view and edit it.")).to_be_visible()

    visitor = await (await browser.new_context(**device)).new_page()
    await visitor.goto(address)
    await expect(visitor.get_by_role("link", name="plan.txt", exact=True)).to_be_visible()
    await check_page(visitor, f"edit-link-{'phone' if device is PHONE else 'desktop'}")
    assert await visitor.evaluate("document.documentElement.scrollWidth <= innerWidth")
    new = {"name": "new.txt", "mimeType": "text/plain", "buffer": b"theirs"}
    await visitor.get_by_label("Add files").set_input_files(new)
    await expect(visitor.get_by_role("link", name="new.txt", exact=True)).to_be_visible()
    await visitor.get_by_label("Replace plan.txt").set_input_files({**new, "buffer": b"second version"})
    await expect(visitor.get_by_text("14 bytes")).to_be_visible()
    answer(visitor, "renamed.txt")
    await visitor.get_by_role("button", name="Rename new.txt").click()
    await expect(visitor.get_by_role("link", name="renamed.txt", exact=True)).to_be_visible()
    answer(visitor)
    await visitor.get_by_role("button", name="Delete old.txt").click()
    await expect(visitor.get_by_role("link", name="old.txt", exact=True)).to_have_count(0)
    answer(visitor, "Drafts")
    await visitor.get_by_role("button", name="New folder").click()
    await expect(visitor.get_by_role("link", name="Drafts")).to_be_visible()
    await visitor.get_by_role("link", name="plan.txt", exact=True).click()
    await visitor.get_by_role("button", name="Edit text").click()
    text = visitor.get_by_label("Text", exact=True)
    await expect(text).to_have_value("second version")
    await text.fill("edited here")
    await visitor.get_by_role("button", name="Save").click()
    await expect(visitor.get_by_text("11 bytes")).to_be_visible()
    await visitor.context.close()

    folder = await ada.person.call("GET", "/v1/files/by-path?path=/Team")
    listed = (await ada.person.call("GET", f"/v1/files?parent_id={folder['id']}"))["items"]
    assert [item["name"] for item in listed] == ["Drafts", "plan.txt", "renamed.txt"]
    versions = (await ada.person.call("GET", f"/v1/files/{listed[1]['id']}/versions"))["items"]
    assert [version["device"] for version in versions[:2]] == ["by a link", "by a link"]
