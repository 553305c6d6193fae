"""Pages on paper, as Chromium prints them."""

import pypdfium2
from playwright.async_api import Page, expect
from web_visitors import Visitor

LONG_NAME = "A very long name of a file that no column of a list on a screen has room for " + "and on " * 15 + "end.txt"
FILES = 90


async def printed(page: Page) -> list[str]:
    """The text of each sheet."""
    document = pypdfium2.PdfDocument(await page.pdf(format="A4"))
    return [sheet.get_textpage().get_text_range() for sheet in document]


def squeezed(text: str) -> str:
    """A PDF has places of letters, not spaces between words."""
    return "".join(text.split())


async def test_a_folder_is_printed_whole(ada: Visitor) -> None:
    """All names in full, on as many sheets as they need, with the heads of columns on each; nothing to press."""
    for number in range(FILES):
        await ada.person.call("POST", "/v1/folders", {"path": f"/Papers/{number:02}"})
    await ada.put(f"/Papers/{LONG_NAME}")
    page = await ada.open()
    await ada.enter("Papers")
    await expect(ada.row("05")).to_be_visible()
    sheets = await printed(page)
    text = squeezed("".join(sheets))
    assert len(sheets) > 1
    assert "Papers" in squeezed(sheets[0])
    assert all(f"{number:02}/" in text for number in range(FILES))
    assert squeezed(LONG_NAME) in text
    assert all("Modified" in squeezed(sheet) for sheet in sheets)
    for pressed in ("Trash", "Shared with me", "Search files", "Verify"):
        assert squeezed(pressed) not in text


async def test_source_code_is_printed_whole(ada: Visitor) -> None:
    """From the first line to the last, with their numbers, wrapped; without the page behind."""
    lines = [f"line_{number} = {number}" for number in range(1, 400)]
    lines.append("last = '" + "long " * 60 + "line'")
    await ada.put("/numbers.py", "\n".join(lines).encode())
    page = await ada.open()
    await ada.enter("numbers.py")
    await expect(page.locator(".code-view .cm-line").first).to_be_visible()
    sheets = await printed(page)
    text = squeezed("".join(sheets))
    assert len(sheets) > 3
    assert "numbers.py" in squeezed(sheets[0])
    assert all(squeezed(line) in text for line in lines[:-1])
    assert "longline'" in text
    assert "Myfiles" not in text


async def test_a_formatted_text_is_printed_whole(ada: Visitor) -> None:
    """Markdown over several sheets."""
    await ada.put("/plan.md", b"# Plan\n\n" + b"".join(b"Paragraph %d of the plan.\n\n" % n for n in range(120)))
    page = await ada.open()
    await ada.enter("plan.md")
    await expect(page.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    sheets = await printed(page)
    text = squeezed("".join(sheets))
    assert len(sheets) > 1
    assert all(f"Paragraph{number}oftheplan." in text for number in range(120))
    assert "Showsource" not in text
