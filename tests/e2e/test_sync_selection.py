"""`docstore sync` with selected folders, filters, pauses and limits, against a whole DocStore."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from deployments import Deployment
from synced_folders import Command, tree, write

from docstore_client import AsyncClient
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

PASSWORD = "correct horse battery staple"
pytestmark = pytest.mark.connected


@pytest.fixture
async def command(deployment: Deployment, tmp_path: Path) -> Command:
    """The command on a device of a new account."""
    email = f"select-{new_id()[-10:]}@example.org"
    async with AsyncClient(deployment.gateway) as client:
        await client.sign_up(email, PASSWORD)
    command = Command(tmp_path / "home")
    await command.log_in(deployment.gateway, email, PASSWORD)
    return command


async def status(command: Command, folder: Path) -> Any:
    return json.loads(await command.run("sync", "status", str(folder), "--json"))


async def test_folders_are_selected_and_come_back(command: Command, tmp_path: Path) -> None:
    """What is not selected leaves the disk unless it was edited, stays on the server, and returns if it is selected."""
    folder = tmp_path / "work"
    for name in ("photos/2026/a.jpg", "photos/b.jpg", "docs/c.txt", "docs/edited.txt", "d.txt"):
        write(folder / name, name)
    await command.sync(folder)
    write(folder / "docs/edited.txt", "mine")
    chosen = json.loads(await command.run("sync", str(folder), "--once", "--json", "--folder", "/photos/2026"))
    assert set(tree(folder)) == {"docs", "docs/edited.txt", "photos", "photos/2026", "photos/2026/a.jpg"}
    assert chosen["aside"] == ["docs/edited.txt: it is outside of the selected folders"]
    listed = await command.run("ls", "-R", "/")
    assert all(name in listed for name in ("b.jpg", "c.txt", "edited.txt", "d.txt"))
    write(folder / "photos/2026/new.jpg", "new")
    assert (await command.sync(folder))["in_sync"]
    assert (await status(command, folder))["selection"]["folders"] == ["photos/2026"]
    await command.run("sync", str(folder), "--once", "--folder", "")
    assert {"photos/b.jpg", "docs/c.txt", "d.txt", "photos/2026/new.jpg"} < set(tree(folder))


async def test_filters_are_kept_and_a_dry_run_changes_nothing(command: Command, tmp_path: Path) -> None:
    """`--exclude` of one run holds for the next; a dry run shows what its own options would do."""
    folder = tmp_path / "work"
    for name in ("a.txt", "b.iso", "c.pdf"):
        write(folder / name, name)
    before = tree(folder)
    planned = json.loads(await command.run("sync", str(folder), "--dry-run", "--json", "--include", "*.pdf"))
    assert [step["path"] for step in planned["steps"]] == ["c.pdf"]
    assert tree(folder) == before
    assert "c.pdf" not in await command.run("ls", "/")
    await command.run("sync", str(folder), "--once", "--exclude", "*.iso")
    write(folder / "d.iso", "d")
    await command.sync(folder)
    listed = await command.run("ls", "/")
    assert "a.txt" in listed
    assert ".iso" not in listed


async def test_a_running_sync_is_paused_and_resumed(command: Command, tmp_path: Path) -> None:
    """By another process; what changed meanwhile is synced after that."""
    folder = tmp_path / "work"
    write(folder / "a.txt", "a")
    await command.sync(folder)
    process = await command.start("sync", str(folder))

    async def shows(state: str) -> bool:
        found = await status(command, folder)
        return found["running"] and found["state"] == state

    try:
        await eventually(lambda: shows("idle"))
        await command.run("sync", "pause", str(folder))
        await eventually(lambda: shows("paused"))
        write(folder / "b.txt", "b")
        await command.run("sync", "resume", str(folder))

        async def is_there() -> bool:
            return "b.txt" in await command.run("ls", "/")

        await eventually(is_there)
    finally:
        process.terminate()
        await process.wait()


async def test_a_limit_holds(command: Command, tmp_path: Path) -> None:
    """A file of 1 MiB at 512 KiB a second takes about two seconds, there and back."""
    folder = tmp_path / "work"
    write(folder / "a.bin", bytes(range(256)) * 4096)
    await command.run("mkdir", "/empty")
    begun = time.monotonic()
    await command.run("sync", str(folder), "--once", "--bwlimit", "512K")
    assert time.monotonic() - begun > 1.5
    other = Command(tmp_path / "other")
    await asyncio.to_thread(_copy_log_in, command.home, other.home)
    begun = time.monotonic()
    await other.run("sync", str(tmp_path / "second"), "--once", "--bwlimit", "off:512K")
    assert time.monotonic() - begun > 1.5
    assert tree(tmp_path / "second")["a.bin"] == tree(folder)["a.bin"]


def _copy_log_in(home: Path, other: Path) -> None:
    place = Path("state/docstore/session.json")
    (other / place).parent.mkdir(parents=True)
    (other / place).write_bytes((home / place).read_bytes())
