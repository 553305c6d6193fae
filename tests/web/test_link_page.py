"""The page of a public link, for visitors without an account."""

from functools import partial
from typing import Any

import pytest
from playwright.async_api import expect
from web_visitors import NewVisitor, check_page

from docstore_platform.testing import eventually

DESKTOP = {"width": 1280, "height": 800}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LOADED = "image => image.complete && image.naturalWidth > 0"


@pytest.mark.parametrize(
    ("device", "scheme"), [({"viewport": DESKTOP}, "light"), (PHONE, "dark")], ids=["desktop", "phone"]
)
async def test_a_link_shows_what_it_leads_to(
    new_visitor: NewVisitor, png: bytes, device: dict[str, Any], scheme: str
) -> None:
    """A picture and a Download button, in a folder for each file; a phone needs no sideways scrolling."""
    visitor = await new_visitor("ada", logged_in=False, color_scheme=scheme, **device)
    person = visitor.person
    photo = await visitor.put("/Holiday/sunset.png", png, content_type="image/png")
    await visitor.put("/Holiday/costs.xlsx", b"one")
    folder = await person.call("GET", "/v1/files/by-path?path=/Holiday")

    async def has_preview() -> bool:
        return bool((await person.call("GET", f"/v1/files/{photo['id']}"))["preview"])

    await eventually(has_preview)
    size = "phone" if device is PHONE else "desktop"
    for node, name in ((photo, "sunset.png"), (folder, "Holiday")):
        link = await person.call("POST", f"/v1/files/{node['id']}/links", {})
        page = await visitor.open(f"/l/{link['token']}")
        await expect(page.get_by_role("heading", name=name)).to_be_visible()
        await expect(page.get_by_text("Shared by ")).to_be_visible()
        await eventually(
            partial(page.evaluate, f"[...document.images].length === 1 && [...document.images].every({LOADED})")
        )
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await check_page(page, f"link-{name.partition('.')[0].lower()}-{size}-{scheme}")
    await expect(page.get_by_role("link", name="Download costs.xlsx")).to_be_visible()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download sunset.png").click()
    assert (await downloading.value).suggested_filename == "sunset.png"
