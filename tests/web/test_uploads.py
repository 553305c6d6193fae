"""Uploads in the browser: many, large, paused, resumed, conflicting, too large."""

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from playwright.async_api import Error, Request, Response, Route, expect
from web_visitors import Visitor, check_page

from docstore_platform.testing import eventually

MIB = 1 << 20


def made(folder: Path, name: str, content: bytes) -> str:
    """A file to choose in the browser."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


async def test_many_small_files_and_their_folders(ada: Visitor, tmp_path: Path) -> None:
    """A folder of 120 files is uploaded in batches, each with its date, no byte of it through the gateway."""
    for number in range(120):
        made(tmp_path, f"album/{'abc'[number % 3]}/picture {number:03}.txt", b"x" * (100 + number))
    moment = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp()
    os.utime(tmp_path / "album/c/picture 002.txt", (moment, moment))
    gateway_puts: list[str] = []
    page = await ada.open()
    page.on(
        "request",
        lambda request: (
            gateway_puts.append(request.url) if request.method == "PUT" and request.url.startswith(ada.url) else None
        ),
    )
    await page.set_input_files("input[aria-label='Folder to upload']", str(tmp_path / "album"))
    await expect(page.get_by_text("120 uploads complete")).to_be_visible(timeout=60_000)
    await check_page(page, "uploads")
    assert gateway_puts == []
    notices = (await ada.person.call("GET", "/v1/notifications"))["items"]
    assert [notice["kind"] for notice in notices if notice["kind"] == "upload_done"] == []  # the page has shown it
    await ada.row("album").dblclick()
    await ada.row("b").last.dblclick()
    await expect(page.get_by_text("40 items")).to_be_visible()
    dates = {file["name"]: file["client_modified_at"] for file in await ada.person.every("/v1/files", path="/album/c")}
    assert len(dates) == 40
    assert dates["picture 002.txt"] == "2001-02-03T04:05:06.000Z"


async def test_a_large_file_in_parts_paused_and_resumed(ada: Visitor, tmp_path: Path) -> None:
    """24 MiB go in parts; paused in the middle and resumed, the parts that were sent are not sent again."""
    content = os.urandom(24 * MIB)
    asked: list[str] = []
    stored: set[str] = set()
    resumed = asyncio.Event()
    page = await ada.open()

    def number(request: Request) -> str:
        return request.url.split("partNumber=")[1].split("&")[0]

    async def hold(route: Route) -> None:
        """Let the first two parts through, and the others once the upload is resumed."""
        if route.request.method == "PUT":
            asked.append(number(route.request))
            if asked[-1] not in {"1", "2"}:
                await resumed.wait()
        with suppress(Error):  # the page has given the request up
            await route.continue_()

    def note(response: Response) -> None:
        if "partNumber=" in response.url and response.request.method == "PUT" and response.ok:
            stored.add(number(response.request))

    page.on("response", note)
    await page.route("**/*partNumber=*", hold)
    await ada.upload(made(tmp_path, "film.bin", content))

    async def two_are_stored() -> bool:
        return stored == {"1", "2"}

    await eventually(two_are_stored)
    await page.get_by_role("button", name="Pause film.bin").click()
    await expect(page.get_by_text("1 upload paused")).to_be_visible()
    resumed.set()
    await page.get_by_role("button", name="Continue film.bin").click()
    await expect(page.get_by_text("1 upload complete")).to_be_visible(timeout=60_000)
    file = (await ada.person.call("GET", "/v1/files?path=/"))["items"][0]
    assert await ada.person.content(file["id"]) == content
    assert [asked.count(part) for part in ("1", "2")] == [1, 1]


async def test_an_upload_goes_on_after_a_reload(ada: Visitor, tmp_path: Path) -> None:
    """What a reload cut off waits for its file; another file is refused, the right one completes it."""
    content = os.urandom(24 * MIB)
    path = made(tmp_path, "film.bin", content)
    page = await ada.open()
    await page.route("**/*partNumber=3&*", lambda route: route.abort())
    await ada.upload(path)
    sent = page.get_by_role("progressbar", name="film.bin: sent")
    await expect(sent).to_be_visible()
    await eventually(partial(sent.evaluate, "bar => bar.value > 5000000"))
    page.on("dialog", lambda dialog: dialog.accept())
    await page.unroute_all(behavior="ignoreErrors")
    await page.reload()
    await expect(page.get_by_text("Choose the file again to continue")).to_be_visible()
    await check_page(page, "upload-interrupted")
    (tmp_path / "other").mkdir()
    await page.set_input_files("input[aria-label='File for film.bin']", made(tmp_path, "other/film.bin", b"other"))
    await expect(page.get_by_text("is a different")).to_be_visible()
    await page.set_input_files("input[aria-label='File for film.bin']", path)
    await expect(page.get_by_text("1 upload complete")).to_be_visible(timeout=60_000)
    file = (await ada.person.call("GET", "/v1/files?path=/"))["items"][0]
    assert await ada.person.content(file["id"]) == content


async def test_a_name_that_is_taken(ada: Visitor, tmp_path: Path) -> None:
    """Asked for each: replaced as a new version, kept beside it, or skipped."""
    await ada.put("/report.txt", b"first")
    page = await ada.open()
    await expect(ada.row("report.txt")).to_be_visible()
    await ada.upload(made(tmp_path, "report.txt", b"second"))
    await expect(page.get_by_role("alertdialog")).to_contain_text("already exists")
    await check_page(page, "conflict")
    await page.get_by_role("button", name="Replace").click()
    await expect(page.get_by_text("1 upload complete")).to_be_visible()
    await ada.upload(made(tmp_path, "report.txt", b"third"))
    await page.get_by_role("button", name="Keep both").click()
    await expect(page.get_by_text("2 uploads complete")).to_be_visible()
    await expect(ada.row("report (2).txt")).to_be_visible()
    await ada.upload(made(tmp_path, "report.txt", b"fourth"))
    await page.get_by_role("button", name="Skip").click()
    await expect(page.get_by_role("alertdialog")).to_have_count(0)
    files = {file["name"]: file for file in (await ada.person.call("GET", "/v1/files?path=/"))["items"]}
    assert files["report.txt"]["version"] == 2
    assert await ada.person.content(files["report.txt"]["id"]) == b"second"
    assert await ada.person.content(files["report (2).txt"]["id"]) == b"third"


async def test_more_than_fits(ada: Visitor) -> None:
    """A file over the quota is refused before a byte moves, with what to do about it."""
    page = await ada.open()

    async def refuse(route: Route) -> None:
        usage = {"used": 5 << 30, "reserved": 0, "limit": 5 << 30, "over_quota": False}
        problem = {"status": 507, "code": "over_quota", "detail": "It does not fit.", "usage": usage}
        await route.fulfill(status=507, json=problem, content_type="application/problem+json")

    await page.route("**/v1/uploads", refuse)
    await ada.upload({"name": "huge.bin", "mimeType": "application/octet-stream", "buffer": b"x" * 100})
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("5 GB of 5 GB used")
    await check_page(page, "over-quota")
    await dialog.get_by_role("button", name="Get more storage").click()
    await expect(page.get_by_role("heading", name="Premium")).to_be_visible()


async def test_a_lost_connection_is_tried_again(ada: Visitor) -> None:
    """A PUT that breaks off is sent again by itself."""
    page = await ada.open()
    broken: list[str] = []

    async def break_once(route: Route) -> None:
        if route.request.method == "PUT" and not broken:
            broken.append(route.request.url)
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/*X-Amz-*", break_once)
    await ada.upload({"name": "note.txt", "mimeType": "text/plain", "buffer": b"note"})
    await expect(page.get_by_text("1 upload complete")).to_be_visible()
    assert broken
