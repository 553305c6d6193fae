"""Texts and source code in the viewer: lines, colours, search, links, and what is hostile in them."""

import re

import pytest
from playwright.async_api import Locator, expect
from web_visitors import NewVisitor, Visitor, check_page

SOURCE = b"""import os


def greet(name: str) -> str:
    # A comment
    return f"Hello, {name}" * 3
""" + b"".join(b"x%d = %d\n" % (n, n) for n in range(7, 500))
MIB = 1 << 20


async def opened(visitor: Visitor, name: str, content: bytes) -> Locator:
    """The code of a file that is open."""
    await visitor.put(f"/{name}", content)
    page = await visitor.open()
    await visitor.enter(name)
    code = page.locator(".code-view")
    await expect(code.locator(".cm-line").first).to_be_visible()
    return code


async def colour(code: Locator, text: str) -> str:
    found = code.get_by_text(text, exact=True).first
    return str(await found.evaluate("(element) => getComputedStyle(element).color"))


async def test_source_code_has_numbers_and_colours(anyone: Visitor) -> None:
    """Lines are numbered, the language is known by the name, and nothing breaks the rules of access."""
    code = await opened(anyone, "greet.py", SOURCE)
    await expect(code.locator(".cm-gutterElement", has_text=re.compile("^4$"))).to_be_visible()
    await expect(code.get_by_text("import", exact=True)).to_be_visible()
    colours = {await colour(code, text) for text in ("import", "# A comment", "greet")}
    assert len(colours) == 3
    await check_page(anyone.page, "viewer-code")


async def test_a_search_in_a_file_finds_what_is_not_drawn(ada: Visitor) -> None:
    """Ctrl+F opens our search; Escape closes it and leaves the file open."""
    code = await opened(ada, "greet.py", SOURCE)
    page = ada.page
    await page.keyboard.press("Control+f")
    field = code.get_by_role("textbox", name="Find")
    await expect(field).to_be_focused()
    await field.fill("x480 =")
    await field.press("ArrowRight")  # moves in the field, not to the next file
    await field.press("Enter")
    await expect(code.locator(".cm-searchMatch-selected")).to_have_text("x480 =")
    await check_page(page, "viewer-code-search")
    await field.press("Escape")
    await expect(field).to_have_count(0)
    await expect(page.get_by_role("dialog")).to_be_visible()


async def test_a_line_has_a_link(new_visitor: NewVisitor) -> None:
    """A click on a number, with Shift on a second one, and the field: the address has them, for others too."""
    ada = await new_visitor("ada", permissions=["clipboard-read", "clipboard-write"])
    code = await opened(ada, "greet.py", SOURCE)
    page = ada.page
    await code.locator(".cm-gutterElement", has_text=re.compile("^4$")).click()
    await code.locator(".cm-gutterElement", has_text=re.compile("^6$")).click(modifiers=["Shift"])
    await expect(code.locator(".cm-chosen")).to_have_count(3)
    await expect(page).to_have_url(re.compile("line=4-6"))
    await page.get_by_label("Go to line").fill("450")
    await page.get_by_label("Go to line").press("Enter")
    await expect(code.locator(".cm-chosen")).to_have_text("x450 = 450")
    await page.get_by_role("button", name="Link to line 450").click()
    link = await page.evaluate("navigator.clipboard.readText()")
    assert "/file/" in link
    await page.goto(link)
    await expect(code.locator(".cm-chosen")).to_have_text("x450 = 450")
    await expect(code.locator(".cm-chosen")).to_be_in_viewport()
    await page.get_by_role("button", name="Copy text").click()
    await expect(page.get_by_text("Text copied.")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == SOURCE.decode()


async def test_lines_are_wrapped_as_somebody_likes(ada: Visitor) -> None:
    """The switch holds for this file and the next visit."""
    code = await opened(ada, "long.txt", b"word " * 2000)
    scroller = code.locator(".cm-scroller")
    wide = "(area) => area.scrollWidth > area.clientWidth + 1"
    assert not await scroller.evaluate(wide)
    await ada.page.get_by_role("button", name="Wrap lines").click()
    assert await scroller.evaluate(wide)
    await ada.page.reload()
    await expect(code.locator(".cm-line").first).to_be_visible()
    assert await scroller.evaluate(wide)


async def test_of_a_large_text_the_beginning_is_shown(ada: Visitor) -> None:
    """A log of 12 MB opens with its first 2 MB, says so, and offers the whole."""
    line = b"2026-05-04T13:14:15Z INFO request took 12 ms\n"
    code = await opened(ada, "large.log", line * (12 * MIB // len(line)))
    await expect(ada.page.get_by_text("Only the first 2 MB are shown.")).to_be_visible()
    drawn = await code.locator(".cm-line").count()
    assert drawn < 300
    async with ada.page.expect_download() as downloading:
        await ada.page.locator(".viewer-part").get_by_role("button", name="Download").click()
    assert (await downloading.value).suggested_filename == "large.log"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "<img src=x onerror=document.title='hacked'>.js",
            b"</style></script><script>document.title='hacked'</script>",
        ),
        ("a.constructor", b"text"),
        ("evil\u202egpj.py", "if ok:\u202e # \u2066drop()\u2069".encode()),
        ("binary.log", bytes(range(256)) * 50),
        ("line.json", b'{"a": "' + b"y" * MIB + b'"}'),
        ("deep.json", b"[" * 100_000),
    ],
)
async def test_hostile_names_and_contents_are_only_shown(ada: Visitor, name: str, content: bytes) -> None:
    """Nothing of them runs, and controls of writing direction are seen as such."""
    await ada.put(f"/{name}", content, content_type="text/plain")
    page = await ada.open()
    await page.locator("[role=row] .name").first.dblclick()
    code = page.locator(".code-view")
    await expect(code.locator(".cm-line").first).to_be_visible()
    assert "hacked" not in (await page.title()).split("·")[0].replace(name, "")
    assert await page.locator(".viewer script, .viewer iframe").count() == 0
    if "\u202e" in name:
        await expect(code.locator(".cm-specialChar")).to_have_count(3)
        await expect(page.get_by_role("heading", name="evil\ufffdgpj.py")).to_be_visible()


async def test_the_bar_has_room_on_the_smallest_phone(new_visitor: NewVisitor) -> None:
    """In German and in the dark, with a range of lines of a Markdown text, and a name from right to left."""
    small = {"width": 360, "height": 640}
    ada = await new_visitor("ada", viewport=small, locale="de-DE", color_scheme="dark", reduced_motion="reduce")
    file = await ada.put("/תוכנית עבודה.md", b"# Title\n" * 200)
    page = await ada.open(f"/file/{file['id']}?line=100-150")
    await expect(page.locator(".code-view .cm-chosen").first).to_be_visible()
    await expect(page.get_by_role("button", name="Link zu Zeile 100-150")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_role("button", name="Formatiert")).to_be_in_viewport(ratio=1)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.get_by_role("button", name="In der Datei suchen").click()
    await expect(page.get_by_role("textbox", name="Suchen")).to_be_in_viewport(ratio=1)
    await check_page(page, "viewer-code-phone")
