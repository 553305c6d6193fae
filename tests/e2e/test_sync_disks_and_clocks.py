"""Syncing with full or read-only disks and wrong clocks."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from deployments import Deployment
from synced_folders import Command, obey_modes, tree, write, write_no_more_than

from docstore_client import AsyncClient
from docstore_platform.ids import new_id

PASSWORD = "correct horse battery staple"
MIB = 1 << 20
DAY = 24 * 3600
NewDevice = Callable[[str], Awaitable[tuple[Command, Path]]]
pytestmark = [pytest.mark.connected, pytest.mark.faults]


@pytest.fixture
async def device(deployment: Deployment, tmp_path: Path) -> AsyncIterator[NewDevice]:
    """Makes devices of one new account: the command that is logged in, and a folder."""
    email = f"disks-{new_id()[-10:]}@example.org"
    async with AsyncExitStack() as closing:
        first = await closing.enter_async_context(AsyncClient(deployment.gateway))
        await first.sign_up(email, PASSWORD)

        async def new_device(name: str) -> tuple[Command, Path]:
            command, folder = Command(tmp_path / f"home of {name}"), tmp_path / name
            await command.log_in(deployment.gateway, email, PASSWORD)
            folder.mkdir()
            return command, folder

        yield new_device


async def test_files_too_large_for_the_disk_wait(device: NewDevice) -> None:
    """The write breaks off in the middle: no half of a file has its name, the old one stays, and later it is there."""
    one, here = await device("laptop")
    two, there = await device("desk")
    write(here / "grows.bin", b"small")
    await one.sync(here)
    await two.sync(there)
    write(here / "grows.bin", os.urandom(3 * MIB))
    write(here / "new.bin", os.urandom(3 * MIB))
    write(here / "small.txt", "has room")
    await one.sync(here)
    full = replace(two, before=write_no_more_than(2 * MIB))
    answer = await full.try_sync(there)
    assert sorted(failure.split(":")[0] for failure in answer["failed"]) == ["download grows.bin", "download new.bin"]
    assert tree(there) == {"grows.bin": b"small", "small.txt": b"has room"}
    assert (await two.sync(there))["in_sync"]
    assert tree(there) == tree(here)


async def test_a_folder_that_may_not_be_written_to_still_sends(device: NewDevice) -> None:
    """New local files are uploaded; new remote ones wait, with the reason shown."""
    one, here = await device("laptop")
    two, there = await device("desk")
    write(here / "from the laptop.txt", "1")
    write(there / "from the desk.txt", "2")
    await one.sync(here)
    there.chmod(0o555)
    try:
        answer = await replace(two, before=obey_modes).try_sync(there)
        assert answer["failed"] == ["download from the laptop.txt: Permission denied"]
        assert list(tree(there)) == ["from the desk.txt"]
    finally:
        there.chmod(0o755)
    assert (await two.sync(there))["in_sync"]
    await one.sync(here)
    assert tree(here) == tree(there)
    assert len(tree(here)) == 2


async def test_times_of_files_decide_nothing(device: NewDevice) -> None:
    """From the distant past or the future, older after an edit than before: each edit arrives, none is undone."""
    one, here = await device("laptop")
    two, there = await device("desk")
    times = {"past.txt": -DAY, "now.txt": 1_800_000_000, "future.txt": 250 * 365 * DAY}
    for name, time in times.items():
        write(here / name, f"first of {name}")
        os.utime(here / name, (time, time))
    await one.sync(here)
    await two.sync(there)
    for name, time in times.items():
        write(there / name, f"edit of {name}")
        os.utime(there / name, (time - 10 * DAY, time - 10 * DAY))
    await two.sync(there)
    await one.sync(here)
    assert tree(here) == tree(there) == {name: f"edit of {name}".encode() for name in sorted(times)}


@pytest.mark.parametrize("days", [-400, 400])
async def test_a_device_whose_clock_is_wrong_syncs_all_the_same(device: NewDevice, days: int, tmp_path: Path) -> None:
    """More than a year behind or ahead of the server: edits, renames and deletions go both ways, nothing conflicts."""
    one, here = await device("laptop")
    two, there = await device("desk")
    (tmp_path / "sitecustomize.py").write_text(
        "import time\n"
        f"real, real_ns = time.time, time.time_ns\ntime.time = lambda: real() + {days * DAY}\n"
        f"time.time_ns = lambda: real_ns() + {days * DAY * 10**9}\n"
    )
    wrong = replace(two, environment={"PYTHONPATH": str(tmp_path)})
    for name in ("a", "b", "c"):
        write(here / name, name)
    await one.sync(here)
    await wrong.sync(there)
    write(there / "a", "edited by the wrong clock")
    (there / "b").rename(there / "renamed")
    (there / "c").unlink()
    assert (await wrong.sync(there))["in_sync"]
    assert (await one.sync(here))["in_sync"]
    write(here / "a", "edited by the right clock")
    await one.sync(here)
    await wrong.sync(there)
    assert tree(here) == tree(there) == {"a": b"edited by the right clock", "renamed": b"b"}
