"""File operations never overwrite what someone has just written."""

import asyncio
import errno
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from sync_worlds import Book

from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.local import disk as disk_module
from docstore_sync.local.disk import FEW, Disk, ignores_case
from docstore_sync.local.scan import Ignore, scan
from docstore_sync.model import Kind, SyncedEntry
from docstore_sync.state import Stamp, State, open_state
from docstore_sync.steps import StepFailed

VERSION_NS = 1_700_000_000 * 10**9


@pytest.fixture(params=["atomic", "plain"])
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Disk]:
    """With Linux's atomic rename, and with the portable fallback."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if request.param == "plain":
        monkeypatch.setattr(disk_module, "_renameat2", None)
    folder = tmp_path / "folder"
    folder.mkdir()
    with open_state(folder) as state:
        yield Disk(folder, state)


def known(disk: Disk, path: str, content: bytes) -> tuple[str, str]:
    """Identity and SHA-256 of a scanned file."""
    disk.at(path).write_bytes(content)
    state: State = disk._state
    entry = scan(disk.folder, state, Ignore.of(disk.folder)).entries[path]
    return entry.identity, entry.sha256


def whole(disk: Disk, content: bytes) -> tuple[Path, str]:
    """A complete download, with the modification time of its version."""
    path = disk.part("arrived")
    path.write_bytes(content)
    os.utime(path, ns=(VERSION_NS, VERSION_NS))
    return path, sha256(content).hexdigest()


def test_a_move_never_overwrites(disk: Disk) -> None:
    """Both files stay as they are."""
    identity, _ = known(disk, "a", b"mine")
    known(disk, "b", b"in the way")
    with pytest.raises(StepFailed, match="taken"):
        disk.move("a", identity, "b")
    disk.move("a", identity, "c")
    assert (disk.at("b").read_bytes(), disk.at("c").read_bytes()) == (b"in the way", b"mine")


def test_a_changed_file_is_not_deleted(disk: Disk) -> None:
    """Neither a changed file nor its replacement is deleted; the unchanged file is."""
    identity, digest = known(disk, "a", b"old")
    disk.at("a").write_bytes(b"written since")
    with pytest.raises(StepFailed, match="changed"):
        disk.delete("a", Kind.FILE, identity, digest)
    assert disk.at("a").read_bytes() == b"written since"
    disk.delete("a", Kind.FILE, *known(disk, "a", b"again"))
    assert not disk.at("a").exists()


def test_a_folder_is_deleted_only_if_it_is_empty(disk: Disk) -> None:
    """A file added meanwhile stays, and so does the folder."""
    identity = disk.make_folder("d")
    disk.at("d/new").write_bytes(b"x")
    with pytest.raises(OSError, match="not empty"):
        disk.delete("d", Kind.FOLDER, identity, "")
    assert disk.at("d/new").exists()


def test_a_download_replaces_only_the_expected_file(disk: Disk) -> None:
    """A file written since the scan stays; a new file never overwrites another."""
    identity, digest = known(disk, "a", b"old")
    disk.at("a").write_bytes(b"written since")
    with pytest.raises(StepFailed):
        disk.put(*_put(disk, b"new", "a"), (identity, digest))
    with pytest.raises(StepFailed):
        disk.put(*_put(disk, b"new", "a"), None)
    assert disk.at("a").read_bytes() == b"written since"


def test_a_download_keeps_the_mode_and_is_not_read_again(disk: Disk) -> None:
    """The stored hash is known already; the replaced file is gone."""
    before = known(disk, "a", b"old")
    disk.at("a").chmod(0o750)
    path, digest = whole(disk, b"new")
    before = known(disk, "a", b"old")
    identity = disk.put(path, "a", digest, before)
    assert disk.at("a").read_bytes() == b"new"
    assert disk.at("a").stat().st_mode & 0o777 == 0o750
    disk.check("a", identity, digest)
    assert not path.exists()


def test_a_download_modified_just_now_is_read_again(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that stores whole seconds, an edit in the same second may leave size and times as they are."""
    clock = SimpleNamespace(time_ns=lambda: VERSION_NS + 10**9 // 2)
    monkeypatch.setattr("docstore_sync.local.scan.time", clock)
    identity = disk.put(*_put(disk, b"new", "a"), None)
    assert disk._state.hash_of(identity, Stamp.of(disk.at("a").stat())) == ""


@pytest.mark.parametrize("name", ["Docs", "2024", "写真"])
def test_case_sensitivity_is_detected_on_the_disk(disk: Disk, name: str) -> None:
    """Detected even in a folder whose name has no letters. Trying leaves nothing behind."""
    disk.make_folder(name)
    inside = disk.at(name)
    assert ignores_case(inside) is False
    assert not any(inside.iterdir())
    (inside / "letter").write_bytes(b"x")
    before = inside.stat().st_mtime_ns
    assert ignores_case(inside) is False
    assert inside.stat().st_mtime_ns == before
    (inside / "LETTER").symlink_to("letter")
    assert ignores_case(inside) is True


def test_case_sensitivity_is_unknown_on_a_full_disk(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is not cached: a full disk may have space later."""
    disk.make_folder("folder")

    def full(_: Path, exist_ok: bool) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    assert ignores_case(disk.at("folder")) is None


def _put(disk: Disk, content: bytes, target: str) -> tuple[Path, str, str]:
    path, digest = whole(disk, content)
    return path, target, digest


@pytest.mark.parametrize("folders", [1, 3 * FEW])
async def test_every_folder_with_new_names_is_flushed(
    disk: Disk, folders: int, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """One by one, or all at once if there are many; then nothing is left to flush."""
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    if "plain" in request.node.name:
        monkeypatch.setattr(disk_module, "_syncfs", None)
    else:
        monkeypatch.setattr(disk_module, "_syncfs", lambda _: flushed.append("all") or 0)
    for number in range(folders):
        disk.make_folder(f"{number}")
        disk.put(*_put(disk, b"new", f"{number}/file"), None)
    await disk.flush_names()
    each = {str(disk.folder), *(str(disk.at(f"{number}")) for number in range(folders))}
    assert set(flushed) == ({"all"} if folders > FEW and disk_module._syncfs else each)
    flushed.clear()
    await disk.flush_names()
    assert not flushed


async def test_a_missing_folder_does_not_prevent_flushing_others(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been moved elsewhere, so the whole file system is flushed."""
    flushed: list[str] = []
    monkeypatch.setattr(os, "sync", lambda: flushed.append("all"))
    disk.make_folder("folder")
    disk.put(*_put(disk, b"new", "folder/file"), None)
    disk.at("folder").rename(disk.at("moved"))
    await disk.flush_names()
    assert flushed == ["all"]


async def test_unflushed_steps_are_not_recorded(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the flush fails, the record stays unchanged and the next flush repeats the work."""
    book = Book()
    ledger = DurableLedger(book, disk.flush_names)
    entry = SyncedEntry("id", "root", "file", Kind.FILE, "", disk.put(*_put(disk, b"new", "file"), None))
    ledger.record(entry)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        for flush in (ledger.commit, disk.flush_names):
            with pytest.raises(OSError, match="Input/output"):
                await flush()
    assert not book.rows
    await ledger.commit()
    assert book.rows == {"id": entry}


async def test_records_are_written_in_order() -> None:
    """A file forgotten while its record is being written stays forgotten."""
    book, slow = Book(), asyncio.Event()
    settles = iter([slow.wait(), asyncio.sleep(0)])

    async def flush() -> None:
        await next(settles)

    ledger = DurableLedger(book, flush)
    ledger.record(SyncedEntry("id", "root", "file", Kind.FILE, "", "i"))
    first = asyncio.create_task(ledger.commit())
    await asyncio.sleep(0)
    ledger.forget("id")
    second = asyncio.create_task(ledger.commit())
    for _ in range(5):
        await asyncio.sleep(0)
    slow.set()
    await asyncio.gather(first, second)
    assert not book.rows
