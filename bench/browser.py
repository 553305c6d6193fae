"""The web page in real Chromium beside `docstore put`: a large file, and a folder of small ones.

The page is measured from the choosing of the files until it shows that they are uploaded and lists them, the command
from the start of its process to its end.
"""

import asyncio
import os
import random
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Page, async_playwright

from bench.accounts import PASSWORD, new_account
from bench.devices import Device
from bench.stack import Stack, at_rest
from docstore_cli.api import ApiClient

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MIB = 1 << 20
LARGE_BYTES = 512 * MIB
LARGE_RUNS = 5
SMALL_FILES = 300
SMALL_BYTES = (4096, 65536)
SMALL_RUNS = 3
LOOK_MS = 50
WAIT_MS = 120_000
SHOWN = """([uploaded, listed]) =>
  document.querySelector(".uploads h2")?.textContent === uploaded &&
  [...document.querySelectorAll("[role=row]")].some((row) => row.textContent.includes(listed))"""
"""Whether the page shows that all is uploaded, and lists the first of it."""

Make = Callable[[Path], list[Path]]
"""Makes fresh files in a folder."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The two that are compared, logged in to one account."""

    stack: Stack
    api: ApiClient
    page: Page
    device: Device

    async def by_command(self, files: list[Path], folder: str) -> None:
        await self.device.put(*map(str, files), f"{folder}/")

    async def by_page(self, files: list[Path], _: str) -> None:
        """Into the folder that the page shows."""
        count = len(files)
        uploaded = f"{count} upload{'s' if count > 1 else ''} complete"
        await self.page.set_input_files("input[aria-label='Files to upload']", files)
        await self.page.wait_for_function(SHOWN, arg=[uploaded, files[0].name], polling=LOOK_MS, timeout=WAIT_MS)

    async def open_folder(self, path: str) -> None:
        """A new folder, shown by a page that has uploaded nothing yet."""
        await self.api.call("POST", "/v1/folders", {"path": path})
        await self.page.goto(f"{self.stack.gateway}/files{path}")
        await self.page.get_by_text("0 items").wait_for()


async def measure_browser(stack: Stack) -> list[tuple[str, str]]:
    """MB/s of both in turns, each run with files of its own, and the ratio of their medians."""
    if CHROMIUM is None:
        return [("NOT MEASURED", "Chromium is not installed: it is Debian's package chromium, or what CHROMIUM names")]
    async with new_account(stack.gateway) as api, async_playwright() as playwright:
        await api.call("PUT", "/v1/me/plan", {"plan": "premium"})
        email = (await api.call("GET", "/v1/me"))["email"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = await browser.new_context(locale="en-GB")
        login = {"email": email, "password": PASSWORD}
        response = await context.request.post(f"{stack.gateway}/web/session", data=login)
        if not response.ok:
            raise RuntimeError(f"the page's log-in: {await response.text()}")
        with TemporaryDirectory(prefix="docstore-browser-") as place:
            device = Device(Path(place) / "home", Path(place) / "unused")
            await device.log_in(stack.gateway, email, PASSWORD)
            clients = Clients(stack, api, await context.new_page(), device)
            large = await _compared(clients, "large", _one_large, LARGE_RUNS, Path(place))
            small = await _compared(clients, "small", _many_small, SMALL_RUNS, Path(place))
        await browser.close()
    return [
        ("512 MiB through the page in Chromium", large),
        (f"{SMALL_FILES} files of 4 to 64 KiB through the page in Chromium", small),
    ]


async def _compared(clients: Clients, name: str, make: Make, runs: int, place: Path) -> str:
    rates: dict[str, list[float]] = {"command": [], "page": []}
    for number in range(runs):
        for who, send in (("command", clients.by_command), ("page", clients.by_page)):
            folder = f"/{name}-{number}-{who}"
            await clients.open_folder(folder)
            with TemporaryDirectory(dir=place) as local:
                files = await asyncio.to_thread(make, Path(local))
                size = sum(file.stat().st_size for file in files)
                await at_rest(clients.stack)
                begin = time.perf_counter()
                await send(files, folder)
                rates[who].append(size / (time.perf_counter() - begin) / 1e6)
    page, command = (statistics.median(rates[who]) for who in ("page", "command"))
    told = ", ".join(f"{who} {min(each):.0f} to {max(each):.0f}" for who, each in rates.items())
    return f"{page:.0f} MB/s: {page / command:.2f} of docstore put's {command:.0f} MB/s ({told})"


def _one_large(folder: Path) -> list[Path]:
    path = folder / "large.bin"
    with path.open("wb") as file:
        for _ in range(LARGE_BYTES // MIB):
            file.write(os.urandom(MIB))
        os.fsync(file.fileno())
    return [path]


def _many_small(folder: Path) -> list[Path]:
    files = [folder / f"{number:03}.bin" for number in range(SMALL_FILES)]
    for file in files:
        file.write_bytes(os.urandom(random.randint(*SMALL_BYTES)))
    return files
