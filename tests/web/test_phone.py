"""The page on a phone: nothing covers controls."""

from itertools import pairwise

from playwright.async_api import Locator, expect
from web_visitors import Visitor, check_page

from docstore_platform.testing import eventually


async def box(locator: Locator) -> tuple[float, float, float, float]:
    """Left, top, right and bottom."""
    found = await locator.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


async def test_rows_with_pictures_keep_their_shape(phone: Visitor, png: bytes) -> None:
    """The picture stands beside name and size, as icons do; every row's menu can be tapped."""
    file = await phone.put("/a sunset.png", png)
    for n in range(14):
        await phone.put(f"/note {n:02}.txt")

    async def has_preview() -> bool:
        return bool((await phone.person.call("GET", f"/v1/files/{file['id']}"))["preview"])

    await eventually(has_preview)
    page = await phone.open()
    await expect(phone.row("a sunset.png").locator("img")).to_be_visible()
    row = phone.row("a sunset.png")
    _, picture_top, picture_right, picture_bottom = await box(row.locator("img"))
    left, top, _, bottom = await box(row.locator(".name"))
    _, meta_top, _, meta_bottom = await box(row.locator(".row-meta"))
    _, row_top, _, row_bottom = await box(row)
    assert left >= picture_right
    assert row_top <= top < bottom <= meta_top + 2 < meta_bottom <= row_bottom
    assert row_top <= picture_top < picture_bottom <= row_bottom
    await check_page(page, "phone-files")
    for n in range(14):
        more = phone.row(f"note {n:02}.txt").get_by_role("button", name="More for")
        await more.click(trial=True)  # fails where something else would be hit
    await phone.row("note 13.txt").get_by_role("button", name="More for").click()
    await expect(page.get_by_role("menuitem", name="Rename")).to_be_visible()


async def test_the_toolbar_of_a_selection_has_the_row_for_itself(phone: Visitor) -> None:
    """No two of its buttons overlap, and none lies outside the window."""
    await phone.put("/a.txt")
    page = await phone.open()
    await phone.row("a.txt").get_by_role("button", name="Select a.txt").click()
    buttons = page.get_by_role("toolbar", name="List").get_by_role("button")
    boxes = sorted([await box(each) for each in await buttons.all() if await each.is_visible()])
    assert len(boxes) >= 5
    for before, after in pairwise(boxes):
        assert before[2] <= after[0] + 1
    assert boxes[-1][2] <= 390
    await check_page(page, "phone-selection")
    await page.get_by_role("button", name="More actions").click()
    await expect(page.get_by_role("menuitem", name="Copy to")).to_be_visible()


async def test_search_has_its_filters(phone: Visitor) -> None:
    """Type and time can be chosen on a phone, too."""
    await phone.put("/solar.txt")
    await phone.person.found("solar", "/solar.txt")
    page = await phone.open("/search?q=solar")
    await expect(page.get_by_text("1 found")).to_be_visible()
    await check_page(page, "phone-search")
    await page.get_by_label("Type").select_option("Images")
    await expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    await page.get_by_label("Modified").select_option("Modified in the last day")
    await expect(page).to_have_url(f"{phone.url}/search?q=solar&type=image&since=1")
