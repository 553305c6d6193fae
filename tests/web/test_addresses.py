"""Addresses: folders and files by id, a file open over the page, and what Back does."""

import re

from playwright.async_api import expect
from web_visitors import NewVisitor, Visitor, check_page

LINES = 3000


async def test_a_long_text_scrolls_in_the_viewer(anyone: Visitor) -> None:
    """The text's own area scrolls to its last line; the steps to other files stay inside the window."""
    await anyone.put("/a.txt", "\n".join(f"line {n}" for n in range(LINES)).encode())
    await anyone.put("/b.txt")
    page = await anyone.open()
    await anyone.enter("a.txt")
    text = page.locator(".code-view")
    await expect(text).to_contain_text("line 2")
    height = page.viewport_size["height"]
    box = await text.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= height
    await text.locator(".cm-scroller").evaluate("(area) => area.scrollTo(0, area.scrollHeight)")
    await expect(text).to_contain_text("line 2999")
    step = await page.get_by_role("button", name="Next file").bounding_box()
    assert step is not None
    assert 0 < step["y"] < height - step["height"]
    await check_page(page, "viewer-long-text")


async def test_a_file_that_is_open_has_an_address(anyone: Visitor) -> None:
    """Back closes the viewer and stays in the folder, forward and a reload show the file again."""
    await anyone.put("/Team/a.txt", b"first")
    await anyone.put("/Team/b.txt", b"second")
    page = await anyone.open()
    await anyone.enter("Team")
    await anyone.enter("a.txt")
    viewer = page.get_by_role("dialog")
    await expect(viewer).to_contain_text("first")
    await viewer.get_by_role("button", name="Next file").click()
    await expect(viewer).to_contain_text("second")
    address = page.url
    await page.go_back()
    await expect(viewer).to_have_count(0)
    await expect(page.get_by_role("heading", name="Team")).to_be_visible()
    await page.go_forward()
    await expect(viewer).to_contain_text("second")
    await page.goto(address)
    await expect(viewer).to_contain_text("second")
    await viewer.get_by_role("button", name="Previous file").click()
    await expect(viewer).to_contain_text("first")
    await viewer.get_by_role("button", name="Close").click()
    await expect(viewer).to_have_count(0)
    await expect(anyone.row("b.txt")).to_be_visible()


async def test_a_link_to_a_file_opens_it_in_its_folder(ada: Visitor) -> None:
    """`/file/ID` leads to the file's folder with the file open; a deleted one is shown as such."""
    file = await ada.put("/Team/a.txt", b"first")
    page = await ada.open(f"/file/{file['id']}")
    await expect(page.get_by_role("dialog")).to_contain_text("first")
    await expect(page).to_have_url(re.compile(r"/folder/.+view="))
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Team")).to_be_visible()
    await ada.open("/file/none")
    await expect(page.get_by_role("heading", name="File not found")).to_be_visible()


async def test_a_folder_keeps_its_address_when_one_above_is_renamed(anyone: Visitor) -> None:
    """The tab stays where it is, shows the new name above, and a reload finds the folder."""
    await anyone.put("/Team/Plans/2026/a.txt")
    page = await anyone.open()
    for name in ("Team", "Plans", "2026"):
        await anyone.enter(name)
    await expect(anyone.row("a.txt")).to_be_visible()
    team = await anyone.person.call("GET", "/v1/files/by-path?path=/Team")
    await anyone.person.call("PATCH", f"/v1/files/{team['id']}", {"name": "Crew"})
    breadcrumb = page.get_by_role("navigation", name="Breadcrumb")
    await expect(breadcrumb.get_by_role("link", name="Crew")).to_be_attached()
    await page.reload()
    await expect(anyone.row("a.txt")).to_be_visible()
    await breadcrumb.get_by_role("link", name="Plans").click()
    await expect(anyone.row("2026")).to_be_visible()


async def test_addresses_by_path_lead_to_those_by_id(ada: Visitor, new_visitor: NewVisitor) -> None:
    """Bookmarks of earlier versions still open: of one's own folders, and of those that others share."""
    grace = await new_visitor("grace")
    await grace.person.verify_email()
    await ada.put("/Team 100%/Plans/a.txt")
    folder = await ada.person.call("GET", "/v1/files/by-path?path=/Team 100%25")
    page = await ada.open("/files/Team%20100%25/Plans")
    await expect(ada.row("a.txt")).to_be_visible()
    await expect(page).to_have_url(re.compile("/folder/"))
    await ada.person.call("POST", f"/v1/files/{folder['id']}/shares", {"email": grace.person.email, "role": "viewer"})
    theirs = await grace.open(f"/shared/{folder['id']}/Plans")
    await expect(grace.row("a.txt")).to_be_visible()
    parts = theirs.get_by_role("navigation", name="Breadcrumb").get_by_role("listitem")
    await expect(parts).to_have_text(["Shared with me", "Team 100%", "Plans"])
