"""Uploading in a real browser by the pages that need no JavaScript."""

from pathlib import Path

import pytest
from people import PASSWORD
from playwright.async_api import expect
from web_visitors import NewVisitor, check_page


async def test_the_page_leads_there(new_visitor: NewVisitor) -> None:
    """Where the page can't run, it explains that and links to the plain form."""
    ada = await new_visitor("ada", logged_in=False, java_script_enabled=False)
    page = await ada.open()
    await page.get_by_role("link", name="Uploading a file").click()
    await expect(page.get_by_role("heading", name="Log in to upload")).to_be_visible()


@pytest.mark.parametrize(("script", "scheme"), [(False, "light"), (True, "light"), (True, "dark")])
async def test_a_file_without_javascript(new_visitor: NewVisitor, tmp_path: Path, script: bool, scheme: str) -> None:
    """Log in, say where to, choose the file, see that it is stored; axe-core, which is a script, has nothing to say."""

    async def look(name: str) -> None:
        if script:
            await check_page(page, f"plain-{name}-{scheme}")

    (tmp_path / "tea.txt").write_bytes(b"two sugars")
    ada = await new_visitor("ada", logged_in=False, java_script_enabled=script, color_scheme=scheme)
    page = await ada.open("/web/form")
    await look("log-in")
    await page.get_by_label("Email").fill(ada.person.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Upload a file")).to_be_visible()
    await look("where")
    await page.get_by_label("Folder").fill("/kitchen")
    await page.get_by_label("File name").fill("tea.txt")
    await page.get_by_label("If the file already exists").select_option("copy")
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_text("Upload to /kitchen/tea.txt")).to_be_visible()
    await look("send")
    await page.get_by_label("File (at most").set_input_files(str(tmp_path / "tea.txt"))
    await page.get_by_role("button", name="Upload", exact=True).click()
    await expect(page.get_by_role("heading", name="Upload complete")).to_be_visible()
    await expect(page.get_by_text("/kitchen/tea.txt, 10 bytes, version 1.")).to_be_visible()
    await look("stored")
    (file,) = (await ada.person.call("GET", "/v1/files?path=/kitchen"))["items"]
    assert (file["name"], file["size"]) == ("tea.txt", 10)
    await ada.person.counted(10)
    await page.get_by_role("link", name="Upload another file").click()
    await expect(page.get_by_role("heading", name="Upload a file")).to_be_visible()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("heading", name="Log in to upload")).to_be_visible()
