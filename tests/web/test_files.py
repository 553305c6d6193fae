"""Files and folders in the browser: mouse, keyboard, drag and drop, long lists."""

import json
import re

from playwright.async_api import Route, expect
from web_visitors import NewVisitor, Visitor, check_page

ENTRIES = 100_000
PAGE = 1000


async def test_folders_are_made_opened_and_left(ada: Visitor) -> None:
    """A new folder by the menu, into it by a double click, out by the breadcrumb and by the Backspace key."""
    page = await ada.open()
    await page.get_by_role("button", name="New", exact=True).click()
    await page.get_by_role("menuitem", name="New folder").click()
    await check_page(page, "new-folder")
    await page.get_by_label("Name", exact=True).fill("Reports 100% & más")
    await page.keyboard.press("Enter")
    await ada.row("Reports").dblclick()
    await expect(page.get_by_role("heading", name="Reports 100% & más")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    await page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="My files").click()
    await expect(ada.row("Reports")).to_be_visible()
    await page.get_by_role("grid").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Reports 100% & más")).to_be_visible()


async def test_the_keyboard_does_everything(ada: Visitor) -> None:
    """Arrows, ranges with Shift, select all, typing a name, F2, Delete and Undo."""
    for name in ("apple.txt", "banana.txt", "cherry.txt"):
        await ada.put(f"/{name}")
    page = await ada.open()
    await expect(ada.row("cherry.txt")).to_be_visible()
    await page.get_by_role("grid").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Shift+ArrowDown")
    await expect(page.get_by_text("2 selected")).to_be_visible()
    await page.keyboard.press("Control+a")
    await expect(page.get_by_text("3 selected")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("c")
    await expect(ada.row("cherry.txt")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("F2")
    await page.get_by_label("Name", exact=True).fill("date.txt")
    await page.keyboard.press("Enter")
    await expect(ada.row("date.txt")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("grid").focus()
    await page.keyboard.press("Delete")
    await expect(ada.row("date.txt")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(ada.row("date.txt")).to_be_visible()


async def test_move_and_copy_by_dialog(ada: Visitor) -> None:
    """A file is copied and then moved into a folder that is chosen."""
    await ada.put("/plan.txt")
    await ada.person.call("POST", "/v1/folders", {"path": "/Archive"})
    page = await ada.open()
    for action in ("Copy", "Move"):
        await ada.row("plan.txt").click(button="right")
        await page.get_by_role("menuitem", name=f"{action} to…").click()
        await page.get_by_role("dialog").get_by_role("button", name="Archive").click()
        await expect(page.get_by_text("No folders in here")).to_be_visible()
        if action == "Copy":
            await check_page(page, "copy")
        else:
            await page.get_by_role("dialog").get_by_role("button", name="New folder").click()
            await expect(page.locator(".picker-here")).to_contain_text("New folder")
        await page.get_by_role("button", name=f"{action} here").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(ada.row("plan.txt")).to_have_count(0)
    await expect(page.get_by_text("Moved “plan.txt”")).to_be_visible()
    assert await ada.person.names("/Archive") == ["New folder", "plan.txt"]


async def test_rows_are_dragged_onto_folders(ada: Visitor) -> None:
    """What is dropped on a folder's row is in that folder."""
    await ada.put("/plan.txt")
    await ada.person.call("POST", "/v1/folders", {"path": "/Archive"})
    await ada.open()
    await ada.row("plan.txt").drag_to(ada.row("Archive"))
    await expect(ada.row("plan.txt")).to_have_count(0)
    await ada.row("Archive").dblclick()
    await expect(ada.row("plan.txt")).to_be_visible()


async def test_tags_filters_and_order(ada: Visitor) -> None:
    """Tags are given and shown; the list is filtered by text and type, and sorted by its heads."""
    await ada.put("/zebra.txt", b"z" * 10)
    await ada.put("/ant.txt", b"a" * 2000)
    await ada.put("/photo.png", b"p" * 500)
    page = await ada.open()
    await ada.row("zebra.txt").click(button="right")
    await page.get_by_role("menuitem", name="Tags").click()
    await page.get_by_label("Add tags").fill("animal, striped")
    await page.get_by_role("button", name="Save").click()
    await expect(ada.row("zebra.txt").get_by_text("striped")).to_be_visible()
    await check_page(page, "tags")
    await page.get_by_role("button", name="Clear selection").click()
    await page.get_by_role("searchbox", name="Filter this folder").fill("stri")
    await expect(ada.row("ant.txt")).to_have_count(0)
    await page.get_by_role("searchbox", name="Filter this folder").fill("")
    await page.get_by_label("Type").select_option("Images")
    await expect(ada.row("ant.txt")).to_have_count(0)
    await expect(ada.row("photo.png")).to_be_visible()
    await page.get_by_label("Type").select_option("All types")
    await page.get_by_role("button", name="Size").click()
    await expect(page.locator(".row .name")).to_have_text(["zebra.txt", "photo.png", "ant.txt"])
    await page.get_by_role("button", name="Size").click()
    await expect(page.locator(".row .name")).to_have_text(["ant.txt", "photo.png", "zebra.txt"])


async def test_custom_metadata_is_shown_and_edited(ada: Visitor) -> None:
    """In the details: pairs are added, changed and removed; a name that no pair can have is refused with the reason."""
    file = await ada.put("/report.txt", b"r", metadata={"author": "Ada", "draft": "yes"})
    page = await ada.open()
    await ada.row("report.txt").click()
    await page.get_by_role("button", name="Details", exact=True).click()
    details = page.get_by_role("complementary", name="Details")
    await expect(details).to_contain_text("author")
    await details.get_by_role("button", name="Edit metadata").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Value 1").fill("Grace")
    await dialog.get_by_role("button", name="Remove draft").click()
    await dialog.get_by_role("button", name="Add another").click()
    await dialog.get_by_label("Name 2").fill("größe")
    await dialog.get_by_label("Value 2").fill("A4 hoch")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("not a valid name")
    await dialog.get_by_label("Name 2").fill("paper size")
    await check_page(page, "metadata")
    await dialog.get_by_role("button", name="Save").click()
    await expect(details).to_contain_text("Grace")
    await expect(details).to_contain_text("A4 hoch")
    await expect(details).not_to_contain_text("draft")
    now = await ada.person.call("GET", f"/v1/files/{file['id']}")
    assert now["metadata"] == {"author": "Grace", "paper-size": "A4 hoch"}


async def test_a_search_is_filtered_by_metadata_and_kind(ada: Visitor) -> None:
    """A pair is entered as it is written, shown as a filter and removed again; the address has all filters."""
    await ada.put("/gull one.txt", b"1", metadata={"author": "Ada"})
    await ada.put("/gull two.txt", b"2", metadata={"author": "Grace"})
    await ada.person.call("POST", "/v1/folders", {"path": "/gulls"})
    await ada.person.found("gull", "/gull one.txt", "/gull two.txt", "/gulls")
    page = await ada.open("/search?q=gull")
    names = page.locator(".hits .name")
    await expect(names).to_have_count(3)
    await page.get_by_label("Kind").select_option("Files")
    await expect(names).to_have_count(2)
    await page.get_by_label("Filter by metadata").fill("author: Ada")
    await page.keyboard.press("Enter")
    await expect(names).to_have_text(["gull one.txt"])
    await expect(page).to_have_url(re.compile(r"kind=file&meta\.author=Ada$"))
    await check_page(page, "search filters")
    await page.get_by_role("button", name="author: Ada").click()
    await expect(names).to_have_count(2)


async def test_trash(ada: Visitor) -> None:
    """What was deleted is restored, or deleted for good after a question."""
    for name in ("keep.txt", "drop.txt"):
        file = await ada.put(f"/{name}")
        await ada.person.call("DELETE", f"/v1/files/{file['id']}")
    page = await ada.open("/trash")
    await expect(ada.row("keep.txt")).to_be_visible()
    await check_page(page, "trash")
    await ada.row("keep.txt").click()
    await page.get_by_role("button", name="Restore").click()
    await expect(ada.row("keep.txt")).to_have_count(0)
    await page.get_by_role("button", name="Empty trash").click()
    sure = page.get_by_role("button", name="Delete forever")
    await expect(sure).to_be_visible()
    await check_page(page, "empty-trash")
    await sure.click()
    await expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert await ada.person.names() == ["keep.txt"]


async def test_the_main_page_in_all_its_looks(ada: Visitor, new_visitor: NewVisitor, png: bytes) -> None:
    """List, grid with pictures, details; light, dark, and on a phone: all accessible."""
    for path in ("/Contracts", "/Photos", "/Invoices 2026"):
        await ada.person.call("POST", "/v1/folders", {"path": path})
    await ada.put("/Sunset over the bay.png", png)
    await ada.put("/Annual report.pdf", b"%PDF-1.4\n" + bytes(90_000))
    await ada.put("/Meeting notes.md", b"# Notes\n" * 300, tags=["team", "2026"])
    await ada.put("/budget.xlsx", bytes(48_000))
    await ada.put("/interview.mp3", bytes(700_000))
    page = await ada.open()
    await expect(page.locator(".row")).to_have_count(8)
    await check_page(page, "files")
    await ada.row("Meeting notes.md").click()
    await page.get_by_role("button", name="Details", exact=True).click()
    await expect(page.get_by_role("complementary", name="Details")).to_contain_text("Version")
    await check_page(page, "details")
    await page.get_by_role("button", name="Close details").click()
    await page.get_by_role("button", name="Show as grid").click()
    await expect(page.locator(".card img")).to_be_visible()
    await check_page(page, "grid")
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("menuitem", name="Dark").click()
    await check_page(page, "grid-dark")
    await page.get_by_role("button", name="Show as list").click()
    await check_page(page, "files-dark")
    state = await ada.context.storage_state()
    phone = await new_visitor(
        "phone", storage_state=state, logged_in=False, viewport={"width": 390, "height": 844}, has_touch=True
    )
    await phone.open()
    await expect(phone.row("budget.xlsx")).to_be_visible()
    await check_page(phone.page, "files-phone")
    await phone.page.get_by_role("button", name="Navigation").click()
    await expect(phone.page.get_by_role("link", name="Shared with me")).to_be_visible()
    await check_page(phone.page, "navigation-phone")


async def test_a_list_of_a_hundred_thousand(ada: Visitor) -> None:
    """The end is reached page by page; however far one jumps, only the rows that are seen exist."""
    await ada.put("/model.txt")
    model = (await ada.person.call("GET", "/v1/files?path=/"))["items"][0]

    async def answer(route: Route) -> None:
        start = int(dict(part.split("=") for part in route.request.url.split("?")[1].split("&")).get("cursor", "0"))
        stop = min(ENTRIES, start + PAGE)
        items = [{**model, "id": f"n{n}", "name": f"file {n:06}.txt"} for n in range(start, stop)]
        body = {"items": items, "next_cursor": str(stop) if stop < ENTRIES else None}
        await route.fulfill(body=json.dumps(body), content_type="application/json")

    await ada.page.route("**/v1/files?*", answer)
    page = await ada.open()
    await expect(ada.row("file 000000.txt")).to_be_visible()
    await page.evaluate(
        """async () => {
          const table = document.querySelector('.table');
          const deadline = performance.now() + 60000;
          let rows = 0;
          while (performance.now() < deadline && rows < 100000) {
            table.scrollTop = table.scrollHeight;
            await new Promise(requestAnimationFrame);
            rows = Math.round(document.querySelector('.table-body').clientHeight / 44);
          }
          table.scrollTop = table.scrollHeight;
        }"""
    )
    await expect(ada.row("file 099999.txt")).to_be_visible()
    rows = await page.evaluate(
        """async () => {
          const table = document.querySelector('.table');
          const rows = [];
          for (let step = 0; step < 90; step += 1) {
            table.scrollTop = (step * 7919 % 90) * table.scrollHeight / 90;
            await new Promise(requestAnimationFrame);
            rows.push(table.querySelectorAll('.row').length);
          }
          return rows;
        }"""
    )
    assert 0 < min(rows) <= max(rows) < 100
