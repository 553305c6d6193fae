"""A file request: the owner makes the link in the page, anyone sends files by it, and sees nothing."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect
from web_visitors import Visitor, check_page

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_files_are_requested_and_sent(ada: Visitor, browser: Browser, device: dict[str, Any]) -> None:
    """From the Share dialog to a visitor without an account, with limits and a deadline; a taken name overwrites
    nothing."""
    await ada.put("/Inbox/bill.txt", b"mine")
    page = await ada.open()
    await ada.row("Inbox").get_by_role("button", name="Select Inbox").click()
    await page.get_by_role("button", name="Share", exact=True).click()
    await page.get_by_role("tab", name="Links").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Visitors can").select_option("receive")
    await dialog.get_by_label("Message").fill("Your bills, please")
    await dialog.get_by_label("Deadline").fill("2034-05-06")
    await dialog.get_by_label("Most files").fill("5")
    await dialog.get_by_label("Total size in MB").fill("0.5")
    await dialog.get_by_role("button", name="Create link").click()
    address = await dialog.get_by_label("Link", exact=True).input_value()

    folder = await ada.person.call("GET", "/v1/files/by-path?path=/Inbox")
    link = (await ada.person.call("GET", f"/v1/files/{folder['id']}/links"))["items"][0]
    assert (link["max_files"], link["max_bytes"], link["expires_at"][:4]) == (5, 524_288, "2034")
    await dialog.get_by_role("button", name="Edit link").click()
    saved = dialog.get_by_role("list", name="Links")
    await saved.get_by_label("Most files").fill("2")
    await saved.get_by_role("button", name="Save").click()
    await expect(saved.get_by_label("Most files")).to_have_count(0)

    visitor = await (await browser.new_context(**device)).new_page()
    await visitor.goto(address)
    await expect(visitor.get_by_text("Your bills, please")).to_be_visible()
    await expect(visitor.get_by_text("This link expires on")).to_be_visible()
    await expect(visitor.get_by_text("At most 512 KB more.")).to_be_visible()
    assert await visitor.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await check_page(visitor, f"file-request-{'phone' if device is PHONE else 'desktop'}")
    await expect(visitor.get_by_text("bill.txt")).to_have_count(0)
    files = [{"name": name, "mimeType": "text/plain", "buffer": b"theirs"} for name in ("bill.txt", "note.txt")]
    await visitor.get_by_label("Files to send").set_input_files(files)
    await visitor.get_by_role("button", name="Send", exact=True).click()
    await expect(visitor.get_by_text("Sent as", exact=False)).to_be_visible()
    await expect(visitor.get_by_text("Sent", exact=True)).to_be_visible()
    await visitor.get_by_label("Files to send").set_input_files(files[:1])
    await visitor.get_by_role("button", name="Send", exact=True).click()
    await expect(visitor.get_by_text("receives no more files", exact=False)).to_be_visible()
    await visitor.context.close()

    listed = (await ada.person.call("GET", f"/v1/files?parent_id={folder['id']}"))["items"]
    assert {item["name"]: item["size"] for item in listed if "conflicted" not in item["name"]} == {
        "bill.txt": 4,
        "note.txt": 6,
    }
    assert len(listed) == 3
