"""Collaboration: sharing, links, search, live changes and notifications."""

import re

from playwright.async_api import Browser, expect
from web_visitors import NewVisitor, Visitor, check_page

from docstore_platform.testing import eventually


async def test_a_folder_is_shared_with_somebody(ada: Visitor, new_visitor: NewVisitor) -> None:
    """Grace finds it under Shared with me, opens it, can't write, is notified; then may edit; then it is gone."""
    grace = await new_visitor("grace")
    await grace.person.verify_email()
    folder = await ada.person.call("POST", "/v1/folders", {"path": "/Team"})
    await ada.put("/Team/agenda.txt", b"1. coffee")
    page = await ada.open()
    await ada.row("Team").click(button="right")
    await page.get_by_role("menuitem", name="Share").click()
    await page.get_by_label("Email").fill(grace.person.email)
    await page.get_by_role("dialog").get_by_role("button", name="Share", exact=True).click()
    await expect(page.get_by_role("list", name="People with access")).to_contain_text(grace.person.email)
    await check_page(page, "share")
    theirs = await grace.open("/shared")
    await expect(grace.row("Team")).to_be_visible()
    await check_page(theirs, "shared-with-me")
    await grace.row("Team").dblclick()
    await expect(grace.row("agenda.txt")).to_be_visible()
    await expect(theirs.get_by_role("button", name="New", exact=True)).to_have_count(0)
    bell = theirs.get_by_role("button", name=re.compile("Notifications: [1-9]"))  # of the log-in, too
    await expect(bell).to_be_visible()
    await bell.click()
    await expect(theirs.get_by_role("dialog", name="Notifications")).to_contain_text("Team")
    await check_page(theirs, "notifications")
    await theirs.keyboard.press("Escape")
    await page.get_by_label(f"What {grace.person.email} may do").select_option("Can edit")

    async def may_edit() -> bool:
        return bool((await grace.person.call("GET", f"/v1/files/{folder['id']}"))["permission"] == "editor")

    await eventually(may_edit)
    await page.get_by_label(f"What {grace.person.email} may do").select_option("Remove access")
    await theirs.goto(f"{grace.url}/shared")
    await expect(theirs.get_by_role("heading", name="No shared files yet")).to_be_visible()


async def test_a_share_is_accepted_and_its_sender_blocked(ada: Visitor, new_visitor: NewVisitor) -> None:
    """Grace wants to be asked: an invitation appears by itself and is a row once accepted; blocked, it is gone."""
    grace = await new_visitor("grace")
    await grace.person.verify_email()
    page = await grace.open("/settings/sharing")
    asks = page.get_by_role("switch", name=re.compile("^Ask before"))
    await asks.click(force=True)
    await expect(asks).to_be_checked()
    await page.goto(f"{grace.url}/shared")
    file = await ada.put("/plan.txt", b"plan")
    shared = {"email": grace.person.email, "role": "viewer"}
    await ada.person.call("POST", f"/v1/files/{file['id']}/shares", shared)
    invitations = page.get_by_role("region", name="Invitations")
    await expect(invitations).to_contain_text("plan.txt")
    await expect(invitations).to_contain_text(ada.person.email)
    await check_page(page, "invitations")
    await invitations.get_by_role("button", name="Accept plan.txt").click()
    await expect(grace.row("plan.txt")).to_be_visible()
    await page.goto(f"{grace.url}/settings/sharing")
    await page.get_by_label("Email").fill(ada.person.email)
    await page.get_by_role("button", name="Block", exact=True).click()
    await expect(page.get_by_role("list", name="Blocked people")).to_contain_text(ada.person.email)
    await check_page(page, "blocked-people")
    await page.goto(f"{grace.url}/shared")
    await expect(page.get_by_role("heading", name="No shared files yet")).to_be_visible()


async def test_a_link_with_a_password(ada: Visitor, browser: Browser) -> None:
    """Made in the dialog; a stranger needs the password; revoked it leads nowhere."""
    await ada.put("/flyer.txt", b"come all")
    page = await ada.open()
    await ada.row("flyer.txt").click()
    await page.get_by_role("button", name="Share", exact=True).click()
    await page.get_by_role("tab", name="Links").click()
    await page.get_by_label("Password (optional)").fill("open sesame")
    await page.get_by_role("button", name="Create link").click()
    address = await page.get_by_label("Link", exact=True).input_value()
    await check_page(page, "link")
    context = await browser.new_context()
    outsider = await context.new_page()
    await outsider.goto(address)
    await check_page(outsider, "link-password")
    await outsider.locator("input[type=password]").fill("open sesame")
    await outsider.keyboard.press("Enter")
    await expect(outsider.get_by_text("flyer.txt").first).to_be_visible()
    await check_page(outsider, "link-page")
    await page.get_by_role("button", name="Revoke link").click()
    await expect(page.get_by_role("button", name="Revoke link")).to_have_count(0)
    gone = await outsider.goto(address)
    assert gone is not None
    assert gone.status == 404
    await context.close()


async def test_search_by_name_and_the_honest_hint(ada: Visitor) -> None:
    """A free account finds names, moves through hits by arrows, and reads what premium would add."""
    for name in ("solar report.txt", "solar panel.md", "lunar.txt"):
        await ada.put(f"/{name}", b"nothing of note")
    await ada.person.found("solar", "/solar report.txt", "/solar panel.md")
    page = await ada.open()
    await expect(ada.row("lunar.txt")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("solar")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("2 found")).to_be_visible()
    await expect(page.get_by_text("Premium also searches")).to_be_visible()
    await check_page(page, "search-free")
    await page.locator("button.hit").first.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("nothing of note")


async def test_search_in_the_text_of_documents(new_visitor: NewVisitor) -> None:
    """A premium account sees where the words are; markup in the text stays text."""
    grace = await new_visitor("grace", plan="premium")
    await grace.put("/letter.txt", b"Dear reader, the photovoltaic <b>array</b> hums & works.")
    await grace.person.found("photovoltaic", "/letter.txt", **{"in": "content"})
    page = await grace.open("/search?q=photovoltaic")
    await expect(page.locator("mark")).to_have_text("photovoltaic")
    await expect(page.get_by_text("<b>array</b> hums & works")).to_be_visible()
    await check_page(page, "search")


async def test_a_search_is_saved_and_run_again(ada: Visitor) -> None:
    """It is saved with its filters from the menu, run from there, and deleted."""
    await ada.put("/solar report.txt", b"nothing of note")
    page = await ada.open("/search?q=solar&type=text&since=7&meta.author=Ada")
    await page.get_by_role("button", name="Saved searches").click()
    await check_page(page, "saved-searches")
    await page.get_by_role("menuitem", name="Save this search").click()
    await page.get_by_label("Name").fill("Solar of Ada")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Search saved.")).to_be_visible()
    await page.goto(f"{ada.url}/search")
    await page.get_by_role("button", name="Saved searches").click()
    await page.get_by_role("menuitem", name="Solar of Ada").click()
    await expect(page.get_by_role("heading", name="Results for “solar”")).to_be_visible()
    await expect(page.get_by_label("Modified", exact=True)).to_have_value("7")
    await expect(page.get_by_role("button", name="author: Ada")).to_be_visible()
    await page.get_by_role("button", name="Saved searches").click()
    await page.get_by_role("menuitem", name="Delete saved searches").click()
    await page.get_by_role("button", name="Delete Solar of Ada").click()
    await expect(page.get_by_text("Deleted “Solar of Ada”.")).to_be_visible()
    assert (await ada.person.call("GET", "/v1/me/saved-searches"))["items"] == []


async def test_changes_of_other_devices_come_by_themselves(ada: Visitor) -> None:
    """Made, renamed and deleted elsewhere: shown within seconds, without a reload."""
    page = await ada.open()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    file = await ada.put("/from my phone.txt")
    await expect(ada.row("from my phone.txt")).to_be_visible()
    await ada.person.call("PATCH", f"/v1/files/{file['id']}", {"name": "renamed.txt"})
    await expect(ada.row("renamed.txt")).to_be_visible()
    await ada.person.call("DELETE", f"/v1/files/{file['id']}")
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()


async def test_following_a_file(ada: Visitor) -> None:
    """Followed in the details panel; a change then raises the number at the bell."""
    await ada.put("/watched.txt")
    page = await ada.open()
    await ada.row("watched.txt").click()
    await page.get_by_role("button", name="Details", exact=True).click()
    await page.get_by_role("tab", name="Following").click()
    await page.get_by_role("button", name="In-app").click()
    await expect(page.get_by_role("button", name="Turn off in-app")).to_be_visible()
    await ada.put("/watched.txt", b"changed")
    await expect(page.get_by_role("button", name="unread")).to_be_visible()
