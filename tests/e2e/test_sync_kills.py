"""`docstore sync` as a process: killed, disconnected and restarted; nothing is lost or duplicated."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from breakable_connection import BreakableConnection
from deployments import Deployment
from synced_folders import Command, tree, write

from docstore_client import AsyncClient
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

PASSWORD = "correct horse battery staple"
FILES = 200
pytestmark = [pytest.mark.connected, pytest.mark.faults]


class Account:
    """Someone with devices."""

    def __init__(self, client: AsyncClient, email: str) -> None:
        self.client = client
        self.email = email

    async def files(self) -> dict[str, tuple[str, int]]:
        """Checksum and version of each file by path, as the server has them."""
        found: dict[str, tuple[str, int]] = {}
        cursor: str | None = None
        while True:
            page = await self.client.snapshot(cursor)
            found |= {file.path: (file.sha256 or "", file.version) for file in page.items if not file.is_folder}
            cursor = page.next_cursor
            if cursor is None:
                return found


@pytest.fixture
async def account(deployment: Deployment) -> AsyncIterator[Account]:
    email = f"kill-{new_id()[-10:]}@example.org"
    async with AsyncClient(deployment.gateway) as client:
        await client.sign_up(email, PASSWORD)
        await client.log_in(email, PASSWORD)
        yield Account(client, email)


async def killed_after(command: Command, folder: Path, seconds: float) -> None:
    """Sync, and kill -9 after a while, wherever it is then."""
    process = await command.start("sync", str(folder), "--once")
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()


async def killed_once(reached: Callable[[], Awaitable[bool]], command: Command, folder: Path) -> None:
    """Sync, and kill -9 when that is reached."""
    process = await command.start("sync", str(folder), "--once")
    await eventually(reached, every=0.01)
    process.kill()
    await process.wait()


async def test_killed_again_and_again_it_ends_with_everything_once(
    account: Account, deployment: Deployment, tmp_path: Path
) -> None:
    """First sync up and down with kills in between: both folders alike, each file in one version."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    up, down = Command(tmp_path / "home1"), Command(tmp_path / "home2")
    for device in (up, down):
        await device.log_in(deployment.gateway, account.email, PASSWORD)
    one, two = tmp_path / "one", tmp_path / "two"
    for number in range(FILES):
        write(one / f"d{number % 7}/{number}.txt", f"text {number} " * chance.randrange(1, 200))
    write(one / "large.bin", os.urandom(4_000_000))
    for part in (0.1, 0.5, 0.9):

        async def enough_there(least: float = part * FILES) -> bool:
            return len(await account.files()) >= least

        async def enough_here(least: float = part * FILES / 2) -> bool:
            return len(tree(two)) >= least

        await killed_once(enough_there, up, one)
        await killed_once(enough_here, down, two)
    assert (await up.sync(one))["in_sync"]
    assert (await down.sync(two))["in_sync"]
    assert tree(one) == tree(two)
    there = await account.files()
    assert len(there) == FILES + 1
    assert {version for _, version in there.values()} == {1}


async def test_killed_in_the_middle_of_changes_of_both(
    account: Account, deployment: Deployment, tmp_path: Path
) -> None:
    """Edits, renames, deletions and conflicts on two devices, killed while they sync: alike in the end, none lost."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    devices = [(Command(tmp_path / f"home{n}"), tmp_path / f"folder{n}") for n in (1, 2)]
    for command, folder in devices:
        await command.log_in(deployment.gateway, account.email, PASSWORD)
        folder.mkdir()
    (first, one), (second, two) = devices
    for number in range(60):
        write(one / f"d{number % 5}/{number}.txt", f"text {number}")
    await first.sync(one)
    await second.sync(two)
    written = {f"text {number}" for number in range(60)}
    for round_ in range(3):
        for name, (_, folder) in zip("ab", devices, strict=True):
            for path in chance.sample(sorted(each for each in folder.rglob("*.txt") if each.is_file()), 8):
                content = f"{name} {round_} {path.name}"
                written.discard(path.read_text())
                written.add(content)
                write(path, content)
        chance.choice([path for path in one.iterdir() if path.is_dir()]).rename(one / f"renamed {round_}")
        gone = chance.choice(sorted(two.rglob("*.txt")))
        written.discard(gone.read_text())
        gone.unlink()
        for command, folder in devices:
            await killed_after(command, folder, chance.uniform(0.7, 1.4))
    for _ in range(4):
        for command, folder in devices:
            await command.sync(folder)
    assert tree(one) == tree(two)
    kept = {content.decode() for content in tree(one).values() if content is not None}
    assert written <= kept, written - kept


@asynccontextmanager
async def watching(command: Command, folder: Path) -> AsyncIterator[None]:
    process = await command.start("sync", str(folder))
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_cut_off_from_the_server_it_goes_on_when_that_is_back(
    account: Account, deployment: Deployment, tmp_path: Path
) -> None:
    """What is changed while the line is dead is there soon after it is mended, in both directions."""
    line = BreakableConnection(urlsplit(deployment.gateway).port or 0)
    async with line.listening():
        command, folder = Command(tmp_path / "home"), tmp_path / "folder"
        await command.log_in(f"http://127.0.0.1:{line.port}", account.email, PASSWORD)
        async with watching(command, folder):
            await account.client.make_folder("/before")
            await eventually(lambda: asyncio.sleep(0, (folder / "before").exists()))
            line.cut = True
            line.break_off()
            write(folder / "offline.txt", "written while offline")
            await account.client.make_folder("/meanwhile")
            line.cut = False
            await eventually(lambda: account.client.find("/offline.txt"))
            await eventually(lambda: asyncio.sleep(0, (folder / "meanwhile").exists()))
