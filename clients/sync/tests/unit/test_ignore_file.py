"""The ignore file: nothing that it excludes is uploaded, however it is stored."""

import asyncio
from pathlib import Path
from typing import cast

import pytest
from fake_account import FakeAccount

from docstore_client import AsyncClient
from docstore_sync import engine as engine_module
from docstore_sync.engine import Progress, engine
from docstore_sync.local.scan import IGNORE_FILE, Ignore
from docstore_sync.status import read_status


@pytest.mark.parametrize("target", ["of a disk that is not mounted", IGNORE_FILE])
async def test_nothing_is_synced_while_the_ignore_file_can_not_be_read(
    target: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a link that leads nowhere, or to itself: the sync waits, and follows the patterns once it can read them."""
    monkeypatch.setattr(engine_module, "FIRST_PAUSE_SECONDS", 0.01)
    account, waits, in_sync = FakeAccount(), asyncio.Event(), asyncio.Event()
    for name in ("secret.key", "a"):
        (folder / name).write_bytes(b"1")
    (folder / IGNORE_FILE).symlink_to(target)
    progress = Progress(offline=lambda _: waits.set(), rested=lambda result: result.in_sync and in_sync.set())
    async with engine(folder, cast(AsyncClient, account), "laptop", progress=progress) as one:
        watching = asyncio.create_task(one.watch())
        await asyncio.wait_for(waits.wait(), 10)
        status = read_status(folder)
        assert status
        assert (status.state, IGNORE_FILE in status.failures[0], account.names()) == ("waiting", True, set())
        readable = folder.with_name("readable")
        readable.write_text("*.key\n")
        readable.replace(folder / IGNORE_FILE)
        await asyncio.wait_for(in_sync.wait(), 10)
        watching.cancel()
    assert account.names() == {IGNORE_FILE, "a"}


def test_a_folder_of_that_name_has_no_patterns(folder: Path) -> None:
    """Nor is it an error, as a missing file is none."""
    assert not Ignore.of(folder)("a", is_folder=False)
    (folder / IGNORE_FILE).mkdir()
    assert not Ignore.of(folder)("a", is_folder=False)


def test_a_byte_order_mark_belongs_to_no_pattern(folder: Path) -> None:
    """Editors on Windows write one; the first pattern holds all the same."""
    (folder / IGNORE_FILE).write_bytes(b"\xef\xbb\xbf*.key\n")
    assert Ignore.of(folder)("secret.key", is_folder=False)
