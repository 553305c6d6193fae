"""Details that were wrong once: padding, alignment and wording, on a desktop and on a phone."""

import asyncio

import pytest
from playwright.async_api import Locator, expect
from web_visitors import NewVisitor, Visitor

from docstore_platform.testing import eventually

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ITEMS = 201
"""One more than the first page of a list has."""


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
async def visitor(request: pytest.FixtureRequest, new_visitor: NewVisitor) -> Visitor:
    return await new_visitor("ada", **request.param)


async def test_the_trash_link_has_the_padding_of_the_others(visitor: Visitor) -> None:
    """Its icon and its text touch no edge, and a finger can hit it."""
    page = await visitor.open()
    await expect(page.get_by_role("button", name="Account")).to_be_visible()
    opener = page.get_by_role("button", name="Navigation")
    if await opener.is_visible():
        await opener.click()
    places = page.get_by_role("navigation", name="Places")
    await expect(places.get_by_role("link", name="Trash")).to_be_visible()
    trash, files = [await padding(places.get_by_role("link", name=name)) for name in ("Trash", "My files")]
    assert trash == files
    assert min(trash) >= 8
    box = await places.get_by_role("link", name="Trash").bounding_box()
    assert box is not None
    assert box["height"] >= 32


async def padding(link: Locator) -> list[float]:
    """Pixels on the left and on the right."""
    found: list[float] = await link.evaluate(
        "link => ['Left', 'Right'].map((side) => parseFloat(getComputedStyle(link)[`padding${side}`]))"
    )
    return found


async def test_the_fields_of_a_link_are_aligned(visitor: Visitor) -> None:
    """Side by side with one baseline where there is room, else below each other with one edge."""
    await visitor.put("/a.txt")
    page = await visitor.open()
    await visitor.row("a.txt").get_by_role("button", name="Select a.txt").click()
    await page.get_by_role("button", name="Share", exact=True).click()
    await page.get_by_role("tab", name="Links").click()
    dialog = page.get_by_role("dialog")
    boxes = []
    for label in ("Password", "Expires", "Download limit"):
        box = await dialog.get_by_label(label).bounding_box()
        assert box is not None
        boxes.append(box)
    same, one_by_one = ("y", "x") if await page.evaluate("innerWidth > 760") else ("x", "y")
    assert len({round(box[same]) for box in boxes}) == 1
    assert len({round(box["height"]) for box in boxes}) == 1
    starts = [box[one_by_one] for box in boxes]
    assert starts == sorted(set(starts))


async def test_a_long_list_says_how_many_are_loaded(ada: Visitor) -> None:
    """As "200+ items" while there are more, and in full once all are there."""
    for start in range(0, ITEMS, 50):
        paths = [f"/many/{number:03}" for number in range(start, min(start + 50, ITEMS))]
        await asyncio.gather(*(ada.person.call("POST", "/v1/folders", {"path": path}) for path in paths))
    page = await ada.open()
    await ada.enter("many")
    count = page.get_by_role("toolbar", name="List").get_by_role("status")
    await expect(count).to_have_text("200+ items")
    await page.get_by_role("row").nth(2).hover()

    async def all_are_counted() -> bool:
        await page.mouse.wheel(0, 10_000)
        return await count.text_content() == f"{ITEMS} items"

    await eventually(all_are_counted)
