"""Steps on the disk never take the place of something that somebody has just written."""

import asyncio
import errno
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sync_worlds import Book

from docstore_sync import disk as disk_module
from docstore_sync.disk import FEW, Disk
from docstore_sync.ledger import LastingLedger
from docstore_sync.model import Kind, SyncedEntry
from docstore_sync.scan import Ignore, scan
from docstore_sync.state import State, opened
from docstore_sync.steps import StepFailed


@pytest.fixture(params=["atomic", "plain"])
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Disk]:
    """With what Linux can do at once, and with what every system can."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if request.param == "plain":
        monkeypatch.setattr(disk_module, "_renameat2", None)
    folder = tmp_path / "folder"
    folder.mkdir()
    with opened(folder) as state:
        yield Disk(folder, state)


def known(disk: Disk, path: str, content: bytes) -> tuple[str, str]:
    """A file that was scanned: its identity and SHA-256."""
    disk.at(path).write_bytes(content)
    state: State = disk._state
    entry = scan(disk.folder, state, Ignore.of(disk.folder)).entries[path]
    return entry.identity, entry.sha256


def whole(disk: Disk, content: bytes) -> tuple[Path, str]:
    """A download that has arrived."""
    path = disk.part("arrived")
    path.write_bytes(content)
    return path, sha256(content).hexdigest()


def test_a_move_is_never_onto_something(disk: Disk) -> None:
    """Both stay as they are."""
    identity, _ = known(disk, "a", b"mine")
    known(disk, "b", b"in the way")
    with pytest.raises(StepFailed, match="taken"):
        disk.move("a", identity, "b")
    disk.move("a", identity, "c")
    assert (disk.at("b").read_bytes(), disk.at("c").read_bytes()) == (b"in the way", b"mine")


def test_a_file_that_was_written_since_is_not_deleted(disk: Disk) -> None:
    """Nor one that took its place; the one that was meant is."""
    identity, digest = known(disk, "a", b"old")
    disk.at("a").write_bytes(b"written since")
    with pytest.raises(StepFailed, match="changed"):
        disk.delete("a", Kind.FILE, identity, digest)
    assert disk.at("a").read_bytes() == b"written since"
    disk.delete("a", Kind.FILE, *known(disk, "a", b"again"))
    assert not disk.at("a").exists()


def test_a_folder_is_deleted_only_if_it_is_empty(disk: Disk) -> None:
    """What came into it meanwhile stays, and so does the folder."""
    identity = disk.make_folder("d")
    disk.at("d/new").write_bytes(b"x")
    with pytest.raises(OSError, match="not empty"):
        disk.delete("d", Kind.FOLDER, identity, "")
    assert disk.at("d/new").exists()


def test_a_download_replaces_only_what_it_is_to_replace(disk: Disk) -> None:
    """What was written since the scan stays; a new file never goes onto something."""
    identity, digest = known(disk, "a", b"old")
    disk.at("a").write_bytes(b"written since")
    with pytest.raises(StepFailed):
        disk.put(*_put(disk, b"new", "a"), (identity, digest))
    with pytest.raises(StepFailed):
        disk.put(*_put(disk, b"new", "a"), None)
    assert disk.at("a").read_bytes() == b"written since"


def test_a_download_keeps_the_mode_and_is_not_read_again(disk: Disk) -> None:
    """Its checksum is known already; what it replaced is gone."""
    before = known(disk, "a", b"old")
    disk.at("a").chmod(0o750)
    path, digest = whole(disk, b"new")
    before = known(disk, "a", b"old")
    identity = disk.put(path, "a", digest, before)
    assert disk.at("a").read_bytes() == b"new"
    assert disk.at("a").stat().st_mode & 0o777 == 0o750
    disk.check("a", identity, digest)
    assert not path.exists()


@pytest.mark.parametrize("name", ["Docs", "2024", "写真"])
def test_whether_case_matters_is_asked_of_the_disk_and_not_of_the_name_of_the_folder(disk: Disk, name: str) -> None:
    """It does on this one, also in a folder whose name has no case; on one where both spellings lead there it doesn't.

    Trying it leaves nothing behind; where something is there nothing need be tried.
    """
    disk.make_folder(name)
    inside = Disk(disk.at(name), disk._state)
    assert inside.ignores_case() is False
    assert not any(inside.folder.iterdir())
    inside.at("letter").write_bytes(b"x")
    before = inside.folder.stat().st_mtime_ns
    assert inside.ignores_case() is False
    assert inside.folder.stat().st_mtime_ns == before
    inside.at("LETTER").symlink_to("letter")
    assert inside.ignores_case() is True


def test_whether_case_matters_stays_open_where_nothing_can_be_tried(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full now may be asked again."""
    disk.make_folder("folder")

    def full(_: Path, exist_ok: bool) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    assert Disk(disk.at("folder"), disk._state).ignores_case() is None


def _put(disk: Disk, content: bytes, target: str) -> tuple[Path, str, str]:
    path, digest = whole(disk, content)
    return path, target, digest


@pytest.mark.parametrize("folders", [1, 3 * FEW])
async def test_every_folder_with_new_names_is_flushed(
    disk: Disk, folders: int, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Each by itself, or all at once where there are many and the system can; then there is nothing more to flush."""
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    if "plain" in request.node.name:
        monkeypatch.setattr(disk_module, "_syncfs", None)
    else:
        monkeypatch.setattr(disk_module, "_syncfs", lambda _: flushed.append("all") or 0)
    for number in range(folders):
        disk.make_folder(f"{number}")
        disk.put(*_put(disk, b"new", f"{number}/file"), None)
    await disk.settle()
    each = {str(disk.folder), *(str(disk.at(f"{number}")) for number in range(folders))}
    assert set(flushed) == ({"all"} if folders > FEW and disk_module._syncfs else each)
    flushed.clear()
    await disk.settle()
    assert not flushed


async def test_a_folder_that_is_gone_again_does_not_keep_others_from_being_flushed(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever took it away has maybe only moved it: the system flushes all there is."""
    flushed: list[str] = []
    monkeypatch.setattr(os, "sync", lambda: flushed.append("all"))
    disk.make_folder("folder")
    disk.put(*_put(disk, b"new", "folder/file"), None)
    disk.at("folder").rename(disk.at("moved"))
    await disk.settle()
    assert flushed == ["all"]


async def test_what_did_not_reach_the_disk_is_not_recorded(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flush fails: the record stays as it was, and the next flush has as much to do."""
    book = Book()
    ledger = LastingLedger(book, disk.settle)
    entry = SyncedEntry("id", "root", "file", Kind.FILE, "", disk.put(*_put(disk, b"new", "file"), None))
    ledger.record(entry)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        for flush in (ledger.keep, disk.settle):
            with pytest.raises(OSError, match="Input/output"):
                await flush()
    assert not book.rows
    await ledger.keep()
    assert book.rows == {"id": entry}


async def test_what_is_recorded_later_is_kept_later_however_long_the_first_takes_to_settle() -> None:
    """A file that is forgotten while its record is on its way to the disk stays forgotten."""
    book, slow = Book(), asyncio.Event()
    settles = iter([slow.wait(), asyncio.sleep(0)])

    async def settle() -> None:
        await next(settles)

    ledger = LastingLedger(book, settle)
    ledger.record(SyncedEntry("id", "root", "file", Kind.FILE, "", "i"))
    first = asyncio.create_task(ledger.keep())
    await asyncio.sleep(0)
    ledger.forget("id")
    second = asyncio.create_task(ledger.keep())
    for _ in range(5):
        await asyncio.sleep(0)
    slow.set()
    await asyncio.gather(first, second)
    assert not book.rows
