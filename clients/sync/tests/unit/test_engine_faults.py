"""The engine on disks that fail, and against people who sync what they should not."""

import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import pytest
from fake_account import FakeAccount
from synced_folders import tree

from docstore_client import AsyncClient
from docstore_sync.engine import AgreementNeeded, Engine, FolderMissing, Result, engine
from docstore_sync.looking import Looker
from docstore_sync.model import Plan, SyncedEntry
from docstore_sync.scan import Scan
from docstore_sync.state import State


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def syncing(folder: Path, account: FakeAccount) -> Any:
    return engine(folder, cast(AsyncClient, account), "laptop")


async def synced(folder: Path, account: FakeAccount) -> Result:
    """What a sync of its own does."""
    async with syncing(folder, account) as one:
        assert isinstance(one, Engine)
        return await one.sync()


async def test_what_is_recorded_is_on_the_disk_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version, a new file and a deletion: the folder is flushed once it is as the record says."""
    account = FakeAccount()
    for name in ("edited", "deleted"):
        (folder / name).write_bytes(b"old")
    await synced(folder, account)
    account.put("edited", b"new")
    account.put("new", b"new")
    await account.delete(account.named("deleted").id)
    flushed: list[dict[str, bytes | None]] = []
    recorded: list[str] = []
    fsync, record, forget = os.fsync, State.record, State.forget

    def flush(descriptor: int) -> None:
        fsync(descriptor)
        if os.path.samestat(os.fstat(descriptor), os.stat(folder)):
            flushed[:] = [tree(folder)]

    def check_and_record(state: State, entry: SyncedEntry) -> None:
        assert flushed == [tree(folder)]
        recorded.append(entry.name)
        record(state, entry)

    def check_and_forget(state: State, synced_id: str) -> None:
        assert flushed == [tree(folder)]
        recorded.append("gone")
        forget(state, synced_id)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(State, "record", check_and_record)
    monkeypatch.setattr(State, "forget", check_and_forget)
    assert (await synced(folder, account)).in_sync
    assert tree(folder) == {"edited": b"new", "new": b"new"}
    assert sorted(recorded) == ["edited", "gone", "new"]


async def test_a_disk_that_goes_in_the_middle_of_a_sync_has_not_lost_its_files(folder: Path) -> None:
    """The mount point stays, empty: what was sent already is not deleted at the server, and is not forgotten."""
    account, size = FakeAccount(), 2 << 20  # too large to be sent together
    for name in "abcd":
        (folder / name).write_bytes(name.encode() * size)
    disk = folder.with_name("disk")

    def unmount() -> None:
        if len(account.files) == 2:
            folder.rename(disk)
            folder.mkdir()

    def mount_again() -> None:
        folder.rmdir()
        disk.rename(folder)

    account.on_upload = unmount
    with pytest.raises(FolderMissing, match="mounted"):
        await synced(folder, account)
    assert len(account.files) >= 2
    with pytest.raises(AgreementNeeded):
        await synced(folder, account)
    mount_again()
    assert (await synced(folder, account)).in_sync
    assert account.names() == set(tree(folder)) == set("abcd")


async def test_a_disk_that_goes_just_before_it_is_looked_at_has_not_lost_its_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that was checked is no longer the one that is found empty."""
    account = FakeAccount()
    (folder / "a").write_bytes(b"1")
    await synced(folder, account)
    look = Looker.look

    def unmount_and_look(looker: Looker, *, only_told: bool = False) -> Coroutine[Any, Any, tuple[Scan, Plan]]:
        folder.rename(folder.with_name("disk"))
        folder.mkdir()
        return look(looker, only_told=only_told)

    monkeypatch.setattr(Looker, "look", unmount_and_look)
    with pytest.raises(FolderMissing, match="mounted"):
        await synced(folder, account)
    assert account.names() == {"a"}


async def test_an_ignore_file_with_a_mistake_is_synced_and_the_mistake_is_said(folder: Path) -> None:
    """In a dry run, too. It may come from another device: it ends no sync on any of them."""
    account = FakeAccount()
    account.put(".docstoreignore", b"build\\\n")
    (folder / "a").write_bytes(b"1")
    await synced(folder, account)
    (folder / "b").write_bytes(b"1")
    async with syncing(folder, account) as one:
        planned = await one.dry_run()
    result = await synced(folder, account)
    mistake = "line 1 is no pattern: build\\"
    assert [(aside.path, aside.reason) for aside in planned.aside] == [(".docstoreignore", mistake)]
    assert (result.in_sync, result.aside) == (True, [f".docstoreignore: {mistake}"])
    assert account.names() == {".docstoreignore", "a", "b"}
