"""Photos by date: months, going to one of them, selection, keys, and a phone."""

import io
from datetime import datetime

import pytest
from PIL import ExifTags, Image
from playwright.async_api import Locator, Page, expect
from web_visitors import NewVisitor, Visitor, check_page

from docstore_platform.testing import eventually


def photo(taken: datetime, colour: str = "teal") -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken.strftime("%Y:%m:%d %H:%M:%S")
    target = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(target, "JPEG", exif=exif)
    return target.getvalue()


async def with_photos(visitor: Visitor) -> Page:
    """Seven photos of three months in two folders, and a text, once all of them have previews."""
    for day in range(1, 6):
        await visitor.put(f"/Trip/may {day}.jpg", photo(datetime(2026, 5, day, 12)), content_type="image/jpeg")
    await visitor.put("/april.jpg", photo(datetime(2026, 4, 30, 23, 59), "orange"), content_type="image/jpeg")
    await visitor.put("/Old/צילום.jpg", photo(datetime(1999, 12, 31, 23, 59), "gray"), content_type="image/jpeg")
    await visitor.put("/notes.txt")

    async def have_come() -> bool:
        return len((await visitor.person.call("GET", "/v1/photos"))["items"]) == 7

    await eventually(have_come, seconds=60)
    return await visitor.open("/photos")


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("gridcell", name=name, exact=True)


async def test_photos_are_grouped_by_month(anyone: Visitor) -> None:
    """By the camera's date, the latest first, from all folders; nothing breaks the rules of access."""
    page = await with_photos(anyone)
    await expect(page.get_by_role("heading", level=2)).to_have_text(["May 2026", "April 2026", "December 1999"])
    await expect(page.locator(".photo img")).to_have_count(7)
    names = await page.locator(".photo").evaluate_all("(all) => all.map((one) => one.getAttribute('aria-label'))")
    assert names == ["may 5.jpg", "may 4.jpg", "may 3.jpg", "may 2.jpg", "may 1.jpg", "april.jpg", "צילום.jpg"]
    width = page.viewport_size["width"]
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.get_by_label("Go to month").select_option("December 1999")
    await expect(tile(page, "צילום.jpg")).to_be_in_viewport()
    await check_page(page, "photos")


async def test_a_photo_opens_among_its_neighbours(anyone: Visitor) -> None:
    """By a double click, or a tap on a phone; the arrows go on through the months."""
    page = await with_photos(anyone)
    if await page.evaluate("matchMedia('(pointer: coarse)').matches"):
        await tile(page, "may 1.jpg").tap()
    else:
        await tile(page, "may 1.jpg").dblclick()
    viewer = page.get_by_role("dialog", name="may 1.jpg")
    await expect(viewer).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("dialog", name="april.jpg")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="May 2026")).to_be_visible()


async def test_keys_move_through_photos(ada: Visitor) -> None:
    """Arrows go across months, Space and Shift select, Delete moves to the trash, and undo brings it back."""
    page = await with_photos(ada)
    grid = page.get_by_role("grid", name="Photos")
    await expect(page.locator(".photo img")).to_have_count(7)
    await grid.focus()
    await page.keyboard.press("Home")
    await expect(tile(page, "may 5.jpg")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Shift+ArrowRight")
    await expect(page.get_by_text("2 selected")).to_be_visible()
    await check_page(page, "photos-selected")
    await page.keyboard.press("ArrowDown")
    await expect(tile(page, "april.jpg")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog", name="צילום.jpg")
    await expect(viewer).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)
    await expect(grid).to_be_focused()
    await page.keyboard.press("Delete")
    await expect(page.get_by_role("heading", name="December 1999")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="December 1999")).to_be_visible()


async def test_nobody_without_photos_sees_an_empty_page(new_visitor: NewVisitor) -> None:
    """What would be here is said, in the person's language."""
    grace = await new_visitor("grace", locale="de-DE")
    page = await grace.open("/photos")
    await expect(page.get_by_role("heading", name="Noch keine Fotos")).to_be_visible()
    await check_page(page, "photos-empty")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_photos_hold_still_and_stay_legible(new_visitor: NewVisitor, scheme: str) -> None:
    """In the dark, on the smallest phone, and for people who want nothing to move."""
    small = {"width": 360, "height": 640}
    grace = await new_visitor("grace", viewport=small, locale="de-DE", color_scheme=scheme, reduced_motion="reduce")
    await grace.put("/a.jpg", photo(datetime(2026, 5, 1)), content_type="image/jpeg")

    async def has_come() -> bool:
        return len((await grace.person.call("GET", "/v1/photos"))["items"]) == 1

    await eventually(has_come, seconds=60)
    page = await grace.open("/photos")
    await expect(page.get_by_role("heading", name="Mai 2026")).to_be_visible()
    await tile(page, "a.jpg").click()
    await expect(page.locator(".selection-bar")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    moving = await page.evaluate("document.getAnimations().filter((one) => one.effect.getTiming().duration > 1).length")
    assert moving == 0
    await check_page(page, f"photos-phone-{scheme}")
