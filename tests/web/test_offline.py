"""The page as an installed app: opens without a network, uploads once there is one, and takes what other apps share."""

import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Dialog, Page, expect
from web_visitors import NewVisitor, Visitor, check_page

from docstore_platform.testing import eventually

CACHED = "async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)"
SHARE = """async () => {
  const form = new FormData();
  form.append("files", new File(["shared by another app"], "from phone.txt"));
  return (await fetch("/share", { method: "POST", body: form })).url;
}"""


@pytest.fixture
async def installed(new_visitor: NewVisitor) -> Visitor:
    """Someone whose browser has the service worker, and has seen a folder with it."""
    ada = await new_visitor("ada", service_workers="allow")
    await ada.put("/Plans/seen.txt", b"seen")
    await ada.put("/Other/unseen.txt", b"unseen")
    page = await ada.open()
    await has(page, "docstore-page", "/")
    await has(page, "docstore-listings", "/web/session")
    await page.reload()
    await ada.row("Plans").dblclick()
    await expect(ada.row("seen.txt")).to_be_visible()
    return ada


async def has(page: Page, cache: str, path: str) -> None:
    async def is_there() -> bool:
        return path in await page.evaluate(CACHED, cache)

    await eventually(is_there)


async def go_offline(visitor: Visitor) -> None:
    await visitor.context.set_offline(True)
    await expect(visitor.page.get_by_text("You’re offline.")).to_be_visible()


async def test_what_was_seen_opens_without_a_network(installed: Visitor) -> None:
    """The page, its folders and the account; others say that they can't be read, and come when the network is back."""
    page = installed.page
    await go_offline(installed)
    page = await installed.context.new_page()  # the refused calls are errors in its console
    await page.goto(f"{installed.url}/files")
    await expect(page.get_by_text("You’re offline.")).to_be_visible()
    await page.get_by_role("row").filter(has_text="Plans").dblclick()
    await expect(page.get_by_role("row").filter(has_text="seen.txt")).to_be_visible()
    await check_page(page, "offline-folder")
    await page.goto(f"{installed.url}/files")
    await page.get_by_role("row").filter(has_text="Other").dblclick()
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    await installed.context.set_offline(False)
    await expect(page.get_by_role("row").filter(has_text="unseen.txt")).to_be_visible()


async def test_uploads_wait_for_the_network_also_while_the_page_is_closed(installed: Visitor) -> None:
    """A file that was chosen offline is uploaded by the page that is opened next."""
    await go_offline(installed)
    page = await installed.context.new_page()
    await page.goto(f"{installed.url}/files")
    content = {"name": "later.txt", "mimeType": "text/plain", "buffer": b"written on a train"}
    await page.set_input_files("input[aria-label='Files to upload']", content)
    panel = page.get_by_role("region", name="Uploads")
    await expect(panel).to_contain_text("Waiting for connection")
    await has(page, "docstore-kept-files", await kept_path(page))

    async def accept(dialog: Dialog) -> None:
        await dialog.accept()

    page.on("dialog", accept)
    await page.close(run_before_unload=False)
    page = await installed.context.new_page()
    await page.goto(f"{installed.url}/files")
    await expect(page.get_by_role("region", name="Uploads")).to_contain_text("later.txt")
    await installed.context.set_offline(False)
    await expect(page.get_by_role("region", name="Uploads").get_by_role("status")).to_contain_text("complete")
    assert sorted(await installed.person.names("/")) == ["Other", "Plans", "later.txt"]
    assert await page.evaluate(CACHED, "docstore-kept-files") == []


async def kept_path(page: Page) -> str:
    async def is_kept() -> bool:
        return bool(await page.evaluate(CACHED, "docstore-kept-files"))

    await eventually(is_kept)
    return str((await page.evaluate(CACHED, "docstore-kept-files"))[0])


async def test_other_apps_share_files_with_it(installed: Visitor) -> None:
    """They are uploaded into My files, as the phone's share menu sends them."""
    page = installed.page
    assert await page.evaluate(SHARE) == f"{installed.url}/files"
    await page.goto(f"{installed.url}/files")
    await expect(installed.row("from phone.txt")).to_be_visible()
    assert await page.evaluate(CACHED, "docstore-kept-files") == []


async def test_a_log_out_leaves_nothing_in_the_browser(installed: Visitor) -> None:
    """No listing, no account, no file that waits; the page itself is no one's."""
    page = installed.page
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()
    for cache in ("docstore-listings", "docstore-kept-files"):
        assert [path for path in await page.evaluate(CACHED, cache) if path != "/web/session"] == []


def test_it_can_be_installed() -> None:
    """The manifest names icons that are there, in the sizes that phones ask for, and where files are shared to."""
    public = Path(__file__).parents[2] / "web" / "public"
    manifest = json.loads((public / "manifest.webmanifest").read_text())
    sizes = {}
    for icon in manifest["icons"]:
        assert (public / icon["src"].lstrip("/")).exists()
        if icon["type"] == "image/png":
            with Image.open(public / icon["src"].lstrip("/")) as picture:
                assert icon["sizes"] == f"{picture.width}x{picture.height}"
            sizes[icon.get("purpose", "any"), icon["sizes"]] = icon["src"]
    assert sizes.keys() == {("any", "192x192"), ("any", "512x512"), ("maskable", "512x512")}
    assert (manifest["display"], manifest["start_url"]) == ("standalone", "/files")
    assert 'rel="manifest" href="/manifest.webmanifest"' in (public.parent / "index.html").read_text()
    target = manifest["share_target"]
    assert (target["action"], target["params"]["files"][0]["name"]) == ("/share", "files")
