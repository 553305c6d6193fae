"""Folders and selections are downloaded as one ZIP by the browser itself."""

import zipfile
from pathlib import Path

from playwright.async_api import expect
from web_visitors import Visitor


async def test_a_selection_with_a_folder_is_saved_as_a_zip(ada: Visitor, tmp_path: Path) -> None:
    """With its folders, by the browser's download manager."""
    await ada.put("/Team/2026/plan.txt", b"plan")
    await ada.put("/note.txt", b"note")
    page = await ada.open()
    for name in ("Team", "note.txt"):
        await ada.row(name).get_by_role("button", name=f"Select {name}").click()
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download", exact=True).click()
    saved = await started.value
    assert saved.suggested_filename == "DocStore.zip"
    await saved.save_as(tmp_path / "saved.zip")
    with zipfile.ZipFile(tmp_path / "saved.zip") as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {"Team/": b"", "Team/2026/": b"", "Team/2026/plan.txt": b"plan", "note.txt": b"note"}


async def test_a_zip_with_archived_files_is_not_begun(ada: Visitor) -> None:
    """The page offers to retrieve them instead."""
    await ada.put("/Team/plan.txt", b"plan")
    page = await ada.open()
    problem = {"status": 409, "code": "archived", "detail": "In cold storage.", "file_ids": ["1" * 32, "2" * 32]}
    await page.route("**/v1/files/zip?*", lambda route: route.fulfill(status=409, json=problem))
    await ada.row("Team").get_by_role("button", name="Select Team").click()
    await page.get_by_role("button", name="Download", exact=True).click()
    await expect(page.get_by_text("2 files are in cold storage")).to_be_visible()
    await expect(page.get_by_role("button", name="Retrieve")).to_be_visible()
