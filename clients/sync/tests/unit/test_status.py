"""The status file, which power cuts and newer clients leave behind as they like."""

from pathlib import Path
from typing import cast

import pytest
from fake_account import FakeAccount

from docstore_client import AsyncClient
from docstore_sync.engine import Result, engine
from docstore_sync.state_folder import state_folder
from docstore_sync.status import read_status


async def synced(folder: Path, account: FakeAccount) -> Result:
    async with engine(folder, cast(AsyncClient, account), "laptop") as one:
        return await one.sync()


@pytest.mark.parametrize("content", [b"", b"\0" * 9, b"{", b"[]", b"\xff", b'{"folder": "x", "of_a_newer_client": 1}'])
async def test_a_damaged_status_does_not_stop_syncing(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts as none, and the sync writes a new one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder, account = tmp_path / "folder", FakeAccount()
    folder.mkdir()
    await synced(folder, account)
    (state_folder(folder) / "status.json").write_bytes(content)
    assert read_status(folder) is None
    assert (await synced(folder, account)).in_sync
    status = read_status(folder)
    assert status
    assert (status.folder, status.state) == (str(folder), "idle")
