"""Access in the page, editing links, and what viewers may not do."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect
from web_visitors import NewVisitor, Visitor, check_page

from docstore_platform.testing import eventually

READ_ONLY = "You can view this folder, but not upload to it."
COPY = 1
"""What a desktop lets be done with a dragged file, in the protocol of the browser's tools."""


async def choose(visitor: Visitor, name: str) -> None:
    """Select a row: on a phone by its checkbox."""
    await visitor.row(name).get_by_role("button", name=f"Select {name}").click()


async def show_access(page: Page) -> Any:
    details = page.get_by_role("button", name="Details", exact=True)
    if not await details.is_visible():
        await page.get_by_role("button", name="More actions").click()
        details = page.get_by_role("menuitem", name="Details")
    await details.click()
    await page.get_by_role("tab", name="Access").click()
    return page.get_by_role("list", name="Who has access")


async def test_access_names_what_is_inherited(anyone: Visitor, new_visitor: NewVisitor) -> None:
    """A file in a shared folder, with its own link, is not shown as private; the reader sees from where."""
    grace = await new_visitor("grace")
    await grace.person.verify_email()
    file = await anyone.put("/Team/a.txt")
    folder = await anyone.person.call("GET", "/v1/files/by-path?path=/Team")
    await anyone.person.call(
        "POST", f"/v1/files/{folder['id']}/shares", {"email": grace.person.email, "role": "viewer"}
    )
    await anyone.person.call("POST", f"/v1/files/{file['id']}/links", {})
    page = await anyone.open(f"/folder/{folder['id']}")
    await choose(anyone, "a.txt")
    access = await show_access(page)
    await expect(access).to_contain_text(grace.person.email)
    await expect(access).to_contain_text("From folder Team")
    await expect(access).to_contain_text("Anyone with the link")
    await check_page(page, "access")
    await page.get_by_role("button", name="Share…").click()
    people = page.get_by_role("list", name="People with access")
    await expect(people).to_contain_text("From folder Team")
    await expect(people).not_to_contain_text("Only you")
    await check_page(page, "share-inherited")
    theirs = await grace.open(f"/folder/{folder['id']}")
    await choose(grace, "a.txt")
    seen = await show_access(theirs)
    await expect(seen).to_contain_text("Viewer")
    await expect(seen).to_contain_text("From folder Team")


async def test_a_link_is_copied_again_and_changed(anyone: Visitor) -> None:
    """The address can be had after a reload; a limit and a password are set, and the password is taken away."""
    file = await anyone.put("/flyer.txt")
    link = await anyone.person.call("POST", f"/v1/files/{file['id']}/links", {})
    await anyone.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await anyone.open()
    await choose(anyone, "flyer.txt")
    await page.get_by_role("button", name="Share", exact=True).click()
    await page.get_by_role("tab", name="Links").click()
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_text("Link copied.")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == link["url"]
    links = page.get_by_role("list", name="Links")
    await links.get_by_role("button", name="Edit link").click()
    await links.get_by_label("Download limit").fill("3")
    await links.get_by_label("Expires").fill("2035-05-06")
    await links.get_by_label("Password").fill("sesame")
    await check_page(page, "link-edit")
    await links.get_by_role("button", name="Save").click()
    await expect(links).to_contain_text("0 of 3 downloads, expires 6 May 2035")
    await links.get_by_role("button", name="Edit link").click()
    await links.get_by_text("Remove the password").click()
    await links.get_by_role("button", name="Save").click()
    await expect(links.get_by_label("With a password")).to_have_count(0)
    [changed] = (await anyone.person.call("GET", f"/v1/files/{file['id']}/links"))["items"]
    assert (changed["url"], changed["max_downloads"], changed["has_password"]) == (link["url"], 3, False)
    assert changed["expires_at"].startswith("2035-05-06")


async def test_a_taken_name_is_shown_as_taken(anyone: Visitor) -> None:
    """New folder with a taken name stays open and shows that."""
    await anyone.person.call("POST", "/v1/folders", {"path": "/Team"})
    page = await anyone.open()
    await expect(anyone.row("Team")).to_be_visible()
    await page.get_by_role("button", name="New", exact=True).click()
    await page.get_by_role("menuitem", name="New folder").click()
    await page.get_by_label("Name", exact=True).fill("Team")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("alert")).to_contain_text("“Team” already exists in this folder.")


async def test_a_drop_into_a_folder_to_view_is_refused_aloud(
    ada: Visitor, new_visitor: NewVisitor, tmp_path: Path
) -> None:
    """The page shows why nothing is uploaded, and the browser does not open the file instead.

    The browser itself drags the file: it drops nothing where a page refuses the drag.
    """
    grace = await new_visitor("grace")
    await grace.person.verify_email()
    folder = await ada.person.call("POST", "/v1/folders", {"path": "/Team"})
    await ada.person.call("POST", f"/v1/files/{folder['id']}/shares", {"email": grace.person.email, "role": "viewer"})
    page = await grace.open(f"/folder/{folder['id']}")
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    file = tmp_path / "x.txt"
    file.write_text("x")
    devtools = await page.context.new_cdp_session(page)
    drag = {"x": 640, "y": 400, "data": {"items": [], "files": [str(file)], "dragOperationsMask": COPY}}
    for event in ("dragEnter", "dragOver"):
        await devtools.send("Input.dispatchDragEvent", {"type": event, **drag})
    hint = page.locator(".drop-hint")
    await expect(hint).to_have_text(READ_ONLY)
    await devtools.send("Input.dispatchDragEvent", {"type": "drop", **drag})
    await expect(page.locator(".toast")).to_contain_text(READ_ONLY)
    await expect(hint).to_have_count(0)
    assert page.url == f"{grace.url}/folder/{folder['id']}"
    assert (await ada.person.call("GET", f"/v1/files?parent_id={folder['id']}"))["items"] == []


async def test_a_picture_is_shared_with_a_watermark(anyone: Visitor, new_visitor: NewVisitor, png: bytes) -> None:
    """By the dialog; its reader sees it with their name and can't download it. So do visitors of a link."""
    grace = await new_visitor("grace")
    await grace.person.verify_email()
    file = await anyone.put("/plan.png", png)
    page = await anyone.open()
    await choose(anyone, "plan.png")
    await page.get_by_role("button", name="Share", exact=True).click()
    await page.get_by_label("Email").fill(grace.person.email)
    await page.get_by_label("Watermark", exact=True).select_option("text")
    await page.get_by_label("Watermark text").fill("for {reader}")
    await check_page(page, "share-watermark")
    await page.get_by_role("dialog").get_by_role("button", name="Share", exact=True).click()
    right = page.get_by_label(f"What {grace.person.email} may do")
    await expect(right).to_have_value("watermark")
    await page.get_by_role("tab", name="Links").click()
    await page.get_by_label("Watermark").fill("draft")
    await expect(page.get_by_label("Download limit")).to_be_disabled()
    await page.get_by_role("button", name="Create link").click()
    await expect(page.get_by_role("list", name="Links")).to_be_visible()
    [link] = (await anyone.person.call("GET", f"/v1/files/{file['id']}/links"))["items"]
    assert link["watermark"] == "draft"

    async def previewed() -> Any:
        return (await anyone.person.call("GET", f"/v1/files/{file['id']}"))["preview"]

    await eventually(previewed)
    theirs = await grace.open(f"/shared?view={file['id']}")
    shown = theirs.get_by_role("dialog").get_by_role("img", name="plan.png")
    await expect(shown).to_have_js_property("complete", value=True)
    await eventually(lambda: shown.evaluate("image => image.naturalWidth > 0"))
    await expect(theirs.get_by_text("Shared with a watermark: no download")).to_be_visible()
    await expect(theirs.get_by_role("button", name="Download")).to_have_count(0)
    await check_page(theirs, "viewer-watermark")
    public = await grace.context.new_page()
    await public.goto(link["url"])
    await expect(public.get_by_role("img", name="Preview of plan.png")).to_be_visible()
    await expect(public.get_by_text("not download it")).to_be_visible()
    await expect(public.get_by_role("link", name="Download")).to_have_count(0)
