"""The engine on failing disks, and with unusual folders."""

import asyncio
import errno
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest
from fake_account import FakeAccount
from synced_folders import tree

from docstore_client import ApiError, AsyncClient, Source
from docstore_client.models import Changes, File
from docstore_sync import engine as engine_module
from docstore_sync.engine import ConfirmationRequired, Engine, FolderMissing, Progress, Result, engine
from docstore_sync.execution import ledger
from docstore_sync.local.scan import Scan
from docstore_sync.model import Plan, SyncedEntry
from docstore_sync.scan_planner import ScanPlanner
from docstore_sync.state import State
from docstore_sync.state_folder import state_folder
from docstore_sync.status import read_status


def syncing(folder: Path, account: FakeAccount, progress: Progress | None = None) -> Any:
    return engine(folder, cast(AsyncClient, account), "laptop", progress=progress)


async def synced(folder: Path, account: FakeAccount) -> Result:
    """Result of a single sync."""
    async with syncing(folder, account) as one:
        assert isinstance(one, Engine)
        return await one.sync()


async def synced_on_full_disk(folder: Path, account: FakeAccount) -> Result:
    """Sync while the disk of the state is full."""
    async with syncing(folder, account) as one:
        one._state._db.execute("PRAGMA max_page_count = 1")
        return await one.sync()


async def test_steps_are_flushed_before_they_are_recorded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a new version, a new file and a deletion: each is flushed before it is recorded."""
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


async def test_a_disk_unmounted_during_a_sync_deletes_nothing(folder: Path) -> None:
    """The mount point stays, empty: uploaded files are not deleted on the server."""
    account, size = FakeAccount(), 2 << 20  # too large for a batch
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
    with pytest.raises(ConfirmationRequired):
        await synced(folder, account)
    mount_again()
    assert (await synced(folder, account)).in_sync
    assert account.names() == set(tree(folder)) == set("abcd")


async def test_a_disk_unmounted_before_a_scan_deletes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The empty folder found by the scan is not the one that was checked."""
    account = FakeAccount()
    (folder / "a").write_bytes(b"1")
    await synced(folder, account)
    scan = ScanPlanner.scan

    def unmount_and_scan(
        planner: ScanPlanner, *, only_reported: bool = False
    ) -> Coroutine[Any, Any, tuple[Scan, Plan]]:
        folder.rename(folder.with_name("disk"))
        folder.mkdir()
        return scan(planner, only_reported=only_reported)

    monkeypatch.setattr(ScanPlanner, "scan", unmount_and_scan)
    with pytest.raises(FolderMissing, match="mounted"):
        await synced(folder, account)
    assert account.names() == {"a"}


class Endless(FakeAccount):
    """An upload that never ends."""

    async def upload(self, source: Source, progress: Callable[[int], None]) -> File:
        if source.local.name == "endless":
            await asyncio.Event().wait()
        return await super().upload(source, progress)


@pytest.fixture
def two_files(folder: Path) -> Path:
    """One of them can be uploaded."""
    for name in ("a", "endless"):
        (folder / name).write_bytes(name.encode() * (2 << 20))  # too large for a batch
    return folder


async def test_steps_are_recorded_during_a_long_step(two_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill in the middle of a long step finds earlier uploads recorded."""
    monkeypatch.setattr(ledger, "PAUSE_SECONDS", 0.01)
    recorded, record = asyncio.Event(), State.record

    def record_and_tell(state: State, entry: SyncedEntry) -> None:
        record(state, entry)
        recorded.set()

    monkeypatch.setattr(State, "record", record_and_tell)
    syncing_on = asyncio.create_task(synced(two_files, Endless()))
    await asyncio.wait_for(recorded.wait(), 10)
    assert not syncing_on.done()
    syncing_on.cancel()
    with pytest.raises(asyncio.CancelledError):
        await syncing_on


async def test_a_sync_can_be_cancelled_when_nothing_can_be_recorded(
    two_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while stopping does not hide the cancellation."""
    monkeypatch.setattr(ledger, "PAUSE_SECONDS", 1000.0)
    is_done, tried = asyncio.Event(), asyncio.Event()

    async def full() -> None:
        tried.set()
        raise OSError(errno.ENOSPC, "No space left on device")

    async with syncing(two_files, Endless(), Progress(done=lambda _: is_done.set())) as one:
        monkeypatch.setattr(one._disk, "flush_names", full)
        watching = asyncio.create_task(one.watch())
        await asyncio.wait_for(is_done.wait(), 10)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
    assert tried.is_set()


async def test_a_refused_upload_triggers_a_new_scan(folder: Path) -> None:
    """An upload of a killed sync completes while the next one plans it again: the refusal triggers a scan."""

    class EndsAnUpload(FakeAccount):
        async def upload(self, source: Source, progress: Callable[[int], None]) -> File:
            if not self.files:
                self.put(source.local.name, source.local.read_bytes())
            return await super().upload(source, progress)

    account = EndsAnUpload()
    (folder / "a").write_bytes(b"1")
    result = await synced(folder, account)
    assert (result.in_sync, result.failures) == (True, [])
    assert account.named("a").version == 1
    assert set(tree(folder)) == {"a"}


async def test_an_invalid_ignore_line_is_reported_and_the_file_synced(folder: Path) -> None:
    """In a dry run, too. The file may come from another device and must not stop any sync."""
    account = FakeAccount()
    account.put(".docstoreignore", b"build\\\n")
    (folder / "a").write_bytes(b"1")
    await synced(folder, account)
    (folder / "b").write_bytes(b"1")
    async with syncing(folder, account) as one:
        planned = await one.dry_run()
    result = await synced(folder, account)
    mistake = "line 1 is no pattern: build\\"
    assert [(aside.path, aside.reason) for aside in planned.skipped] == [(".docstoreignore", mistake)]
    assert (result.in_sync, result.skipped) == (True, [f".docstoreignore: {mistake}"])
    assert account.names() == {".docstoreignore", "a", "b"}


async def test_a_full_disk_is_retried_and_leaves_correct_state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure is reported and retried; afterwards the stored state is correct."""
    monkeypatch.setattr(engine_module, "FIRST_PAUSE_SECONDS", 0.01)
    account, went_offline, in_sync = FakeAccount(), asyncio.Event(), asyncio.Event()
    progress = Progress(offline=lambda _: went_offline.set(), rested=lambda result: result.in_sync and in_sync.set())
    async with syncing(folder, account, progress) as one:
        await one.sync()
        one._state._db.execute("PRAGMA max_page_count = 1")
        watching = asyncio.create_task(one.watch())
        for number in range(100):
            account.put(f"{number:0100}", b"%d" % number)
        await asyncio.wait_for(went_offline.wait(), 10)
        assert not watching.done()
        in_sync.clear()
        one._state._db.execute("PRAGMA max_page_count = 1000000")
        await asyncio.wait_for(in_sync.wait(), 10)
        watching.cancel()
    assert set(tree(folder)) == account.names()
    result = await synced(folder, account)
    assert (result.done, result.in_sync) == (0, True)
    assert set(tree(folder)) == account.names()


async def test_rate_limits_are_retried(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watching client continues when the server accepts calls again."""
    monkeypatch.setattr(engine_module, "FIRST_PAUSE_SECONDS", 0.01)

    class Busy(FakeAccount):
        refusals = 3

        async def changes(self, cursor: str, *, limit: int, wait: int) -> Changes:
            if self.files and self.refusals:
                self.refusals -= 1
                raise ApiError(429, "too_many_requests", "Too many calls.")
            return await super().changes(cursor, limit=limit, wait=wait)

    account, in_sync = Busy(), asyncio.Event()
    account.put("a", b"1")
    async with syncing(folder, account, Progress(rested=lambda _: in_sync.set())) as one:
        watching = asyncio.create_task(one.watch())
        await asyncio.wait_for(in_sync.wait(), 10)
        watching.cancel()
    assert account.refusals == 0
    assert set(tree(folder)) == {"a"}


async def test_an_unwritable_status_does_not_stop_syncing(folder: Path) -> None:
    """Readers see the previous status."""
    account = FakeAccount()
    await synced(folder, account)
    (state_folder(folder) / "status.new").mkdir()
    account.put("new", b"1")
    assert (await synced(folder, account)).in_sync
    assert set(tree(folder)) == {"new"}
    assert read_status(folder)


async def test_an_unwritable_state_ends_a_single_sync(folder: Path) -> None:
    """It is raised as an ordinary OSError."""
    account = FakeAccount()
    for number in range(100):
        account.put(f"{number:0100}", b"1")
    with pytest.raises(OSError, match="full"):
        await synced_on_full_disk(folder, account)
    assert (await synced(folder, account)).in_sync
