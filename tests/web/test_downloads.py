"""Folders are downloaded whole: into a folder of the device, or file by file."""

from playwright.async_api import expect
from web_visitors import Visitor

OWN_FOLDER = "window.showDirectoryPicker = () => navigator.storage.getDirectory()"
"""In place of the browser's question for a folder: one that the page has for itself."""
READ = """async () => {
  const root = await navigator.storage.getDirectory();
  const sub = await (await root.getDirectoryHandle("Team")).getDirectoryHandle("2026");
  const text = async (folder, name) => (await (await folder.getFileHandle(name)).getFile()).text();
  return [await text(root, "note.txt"), await text(sub, "plan.txt")];
}"""


async def select_all(visitor: Visitor) -> None:
    for name in ("Team", "note.txt"):
        await visitor.row(name).get_by_role("button", name=f"Select {name}").click()


async def test_a_selection_with_a_folder_is_saved_with_its_folders(ada: Visitor) -> None:
    """Every file arrives where it lay below the selection."""
    await ada.put("/Team/2026/plan.txt", b"plan")
    await ada.put("/note.txt", b"note")
    await ada.page.add_init_script(OWN_FOLDER)
    page = await ada.open()
    await select_all(ada)
    await page.get_by_role("button", name="Download", exact=True).click()
    await expect(page.get_by_text("Downloaded 2 files.")).to_be_visible()
    assert await page.evaluate(READ) == ["note", "plan"]


async def test_without_access_to_folders_every_file_is_downloaded(phone: Visitor) -> None:
    """The browser fetches one by one, those in folders included, and the page shows that."""
    await phone.put("/Team/2026/plan.txt", b"plan")
    await phone.put("/note.txt", b"note")
    await phone.page.add_init_script("delete window.showDirectoryPicker")
    page = await phone.open()
    names: list[str] = []
    page.on("download", lambda download: names.append(download.suggested_filename))
    await select_all(phone)
    async with page.expect_event("download", predicate=lambda download: download.suggested_filename == "note.txt"):
        await page.get_by_role("button", name="Download", exact=True).click()
        await expect(page.get_by_text("one by one")).to_be_visible()
    assert sorted(names) == ["note.txt", "plan.txt"]
