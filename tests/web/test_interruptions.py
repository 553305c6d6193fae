"""Uploads during a reload, a lost network and many questions at once."""

import os
from pathlib import Path

from playwright.async_api import Dialog, Route, expect
from web_visitors import Visitor, check_page

MIB = 1 << 20
FILES = 60


def made(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


async def test_a_reload_in_a_folder_upload_loses_no_file(anyone: Visitor, tmp_path: Path) -> None:
    """The browser warns; afterwards every missing file is listed, and choosing the folder once sends them all."""
    for n in range(FILES):
        made(tmp_path, f"album/{n % 3}/{n:03}.txt", b"x" * (100 + n))
    page = await anyone.open()
    puts: list[str] = []

    async def stall(route: Route) -> None:
        """Half arrive; the others never do."""
        puts.append(route.request.url)
        if route.request.method != "PUT" or len(puts) <= FILES // 2:
            await route.continue_()

    await page.route("**/*X-Amz-*", stall)
    await page.set_input_files("input[aria-label='Folder to upload']", str(tmp_path / "album"))
    panel = page.get_by_role("region", name="Uploads")
    await expect(panel).to_contain_text(f"of {FILES}")
    warned: list[str] = []

    async def accept(dialog: Dialog) -> None:
        warned.append(dialog.type)
        await dialog.accept()

    page.on("dialog", accept)
    await page.unroute_all(behavior="ignoreErrors")
    await page.reload()
    assert warned == ["beforeunload"]
    await expect(panel).to_contain_text("interrupted")
    await check_page(page, "uploads-interrupted")
    await page.set_input_files("input[aria-label='Choose the folder of interrupted uploads']", str(tmp_path / "album"))
    await expect(panel.get_by_role("status")).to_contain_text("complete", timeout=60_000)
    names = [name for n in range(3) for name in await anyone.person.names(f"/album/{n}")]
    assert len(names) == FILES
    await page.reload()
    await expect(anyone.row("album")).to_be_visible()
    await expect(panel).to_have_count(0)  # nothing is left over


async def test_offline_is_shown_and_nothing_spins_for_ever(anyone: Visitor) -> None:
    """A banner; a folder that can't be read shows that; back online both disappear by themselves."""
    folder = await anyone.person.call("POST", "/v1/folders", {"path": "/Team"})
    await anyone.put("/Team/a.txt")
    page = await anyone.open()
    await expect(anyone.row("Team")).to_be_visible()
    await anyone.context.set_offline(True)
    await expect(page.get_by_text("You’re offline")).to_be_visible()
    await anyone.enter("Team")
    await expect(page.get_by_role("alert")).to_contain_text("can’t be reached")
    await expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    await check_page(page, "offline")
    await anyone.context.set_offline(False)
    await expect(anyone.row("a.txt")).to_be_visible()
    await expect(page.get_by_text("You’re offline")).to_have_count(0)
    assert folder["id"] in page.url


async def test_a_stalled_upload_is_never_shown_as_complete(ada: Visitor, tmp_path: Path) -> None:
    """All bytes have left, no answer came: 99 % at the most, and offline it waits for the connection."""
    page = await ada.open()
    await page.route("**/*X-Amz-*", lambda route: None)
    await ada.upload(made(tmp_path, "film.bin", os.urandom(MIB)))
    panel = page.get_by_role("region", name="Uploads")
    await expect(panel).to_contain_text("0 of 1")
    await expect(panel).not_to_contain_text("100")
    await ada.context.set_offline(True)
    await expect(panel.get_by_role("status")).to_have_text("Waiting for connection")
    await ada.context.set_offline(False)
    await page.get_by_role("button", name="Cancel all uploads").click()
    await page.get_by_role("button", name="Cancel uploads").click()
    await expect(panel).to_have_count(0)
    await page.unroute_all(behavior="ignoreErrors")


async def test_running_uploads_are_listed_first(ada: Visitor) -> None:
    """Of 30 files one hangs: it is the first in the list, with how many are done."""
    page = await ada.open()

    async def hang(route: Route) -> None:
        if "stuck" not in (route.request.post_data or ""):
            await route.continue_()

    await page.route("**/*X-Amz-*", hang)
    files = [{"name": f"{n:02}.txt", "mimeType": "text/plain", "buffer": b"done"} for n in range(29)]
    await ada.upload(*files)
    panel = page.get_by_role("region", name="Uploads")
    await expect(panel.get_by_role("status")).to_contain_text("29 uploads complete")
    await ada.upload({"name": "zz.txt", "mimeType": "text/plain", "buffer": b"stuck"})
    await expect(panel).to_contain_text("29 of 30")
    await expect(panel.get_by_role("listitem").first).to_contain_text("zz.txt")
    await page.unroute_all(behavior="ignoreErrors")


async def test_the_conflict_names_the_folder_and_both_files(anyone: Visitor, tmp_path: Path) -> None:
    """The folder that the file lies in, sizes and dates of both, and how many more wait for an answer."""
    for name in ("a.txt", "b.txt"):
        await anyone.put(f"/album/2024/{name}", b"old!")
        made(tmp_path, f"album/2024/{name}", b"x" * 2000)
    page = await anyone.open()
    await expect(anyone.row("album")).to_be_visible()
    await page.set_input_files("input[aria-label='Folder to upload']", str(tmp_path / "album"))
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("“2024” has a file of this name")
    await expect(dialog).to_contain_text("4 bytes")
    await expect(dialog).to_contain_text("2 KB")
    await expect(dialog).to_contain_text("1 of 2")
    await check_page(page, "conflict-folder")
    await dialog.get_by_text("Apply to all").click()
    await dialog.get_by_role("button", name="Replace").click()
    await expect(page.get_by_text("2 uploads complete")).to_be_visible()
