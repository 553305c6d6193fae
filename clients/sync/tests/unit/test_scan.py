"""Scanning the folder: what is read, skipped or delayed."""

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from docstore_sync.local.disk_watch import DiskWatch
from docstore_sync.local.scan import PARTS, FolderMissing, Ignore, Scan, hash_steady, scan, scan_again
from docstore_sync.model import Kind, SkippedPath
from docstore_sync.state import OtherAccount, Stamp, State, open_state
from docstore_sync.state_folder import FolderInUse, own_folders

SECOND_NS = 10**9


@pytest.fixture
def state(folder: Path) -> Iterator[State]:
    with open_state(folder) as state:
        yield state


def look(folder: Path, state: State) -> tuple[Scan, int]:
    """Entries found, and the number of bytes read."""
    read: list[int] = []
    found = scan(folder, state, Ignore.of(folder), read.append)
    return found, sum(read)


def test_only_changed_files_are_read(folder: Path, state: State) -> None:
    """Everything first, then nothing, then only the file that was written or saved again."""
    (folder / "a").write_bytes(b"12345")
    (folder / "b").write_bytes(b"1")
    first, read = look(folder, state)
    assert read == 6
    assert look(folder, state)[1] == 0
    (folder / "new").write_bytes(b"54321")
    os.utime(folder / "new", ns=(0, (folder / "a").stat().st_mtime_ns))
    os.replace(folder / "new", folder / "a")
    second, read = look(folder, state)
    assert read == 5
    assert first.entries["a"].sha256 != second.entries["a"].sha256


def test_a_change_with_equal_size_and_time_is_detected(folder: Path, state: State) -> None:
    """A changed modification time can be set back, the change time can't."""
    (folder / "a").write_bytes(b"one")
    before, _ = look(folder, state)
    times = (folder / "a").stat()
    (folder / "a").write_bytes(b"two")
    os.utime(folder / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    after, _ = look(folder, state)
    assert before.entries["a"].sha256 != after.entries["a"].sha256


class CoarseClock:
    """A clock that a test moves, and a disk that stores every other second of it, as FAT does."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * SECOND_NS + SECOND_NS // 2
        self.slept = 0.0

    def time_ns(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * SECOND_NS)
        self.slept += seconds

    def write(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        at = self.now - self.now % (2 * SECOND_NS)
        os.utime(path, ns=(at, at))


@pytest.fixture
def fat(monkeypatch: pytest.MonkeyPatch) -> CoarseClock:
    clock = CoarseClock()
    monkeypatch.setattr("docstore_sync.local.scan.time", clock)
    monkeypatch.setattr(Stamp, "of", lambda about: Stamp(about.st_size, about.st_mtime_ns, about.st_mtime_ns))
    return clock


def test_an_edit_with_equal_size_is_detected_on_fat(folder: Path, state: State, fat: CoarseClock) -> None:
    """Half a second after another one, and after the scan that found it."""
    fat.write(folder / "a", b"one")
    before, _ = look(folder, state)
    fat.write(folder / "a", b"two")
    after, _ = look(folder, state)
    assert before.entries["a"].sha256 != after.entries["a"].sha256


def test_new_files_on_fat_wait_together(folder: Path, state: State, fat: CoarseClock) -> None:
    """Two seconds for all of them; what is older, or known, does not wait."""
    for number in range(20):
        fat.write(folder / f"{number}", b"x")
    look(folder, state)
    assert 0 < fat.slept < 2.1
    slept = fat.slept
    fat.write(folder / "old", b"x")
    fat.now += 3 * SECOND_NS
    look(folder, state)
    assert fat.slept == slept


def test_links_and_pipes_are_skipped_with_a_reason(folder: Path, state: State) -> None:
    """A link to a folder is not a folder; neither is opened."""
    (folder / "folder").mkdir()
    (folder / "folder/file").write_bytes(b"x")
    (folder / "link").symlink_to("folder")
    os.mkfifo(folder / "pipe")
    found, _ = look(folder, state)
    assert set(found.entries) == {"folder", "folder/file", "link", "pipe"}
    assert found.entries["link"].trouble == "it is a symbolic link"
    assert found.entries["pipe"].kind is Kind.OTHER


def test_ignored_paths_are_not_synced(folder: Path, state: State) -> None:
    """Patterns as in .gitignore: folders, exceptions, from the root; an ignored folder is not scanned."""
    (folder / ".docstoreignore").write_text("*.tmp\n!keep.tmp\n/build/\n")
    for name in ("a.tmp", "keep.tmp", "build/x", "sub/build/y"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    found, _ = look(folder, state)
    kinds = {path: entry.kind for path, entry in found.entries.items()}
    assert {path for path, kind in kinds.items() if kind is Kind.OTHER} == {"a.tmp", "build"}
    assert "build/x" not in kinds
    assert kinds["sub/build/y"] is Kind.FILE


@pytest.fixture
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with DocStore's own state and the log-in in it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "my [state] #!"))
    return folder


def test_the_state_and_the_log_in_are_not_synced(home: Path) -> None:
    """They must not reach the server or other devices; no pattern includes them."""
    with open_state(home) as state:
        (own_folders()[0] / "session.json").write_text("secret")
        (home / "my [state] #!/of-others").write_bytes(b"x")
        (home / ".docstoreignore").write_text("!*\n!docstore\n!.docstore-parts\n")
        (home / PARTS).mkdir()
        found, _ = look(home, state)
        reported = ["my [state] #!/docstore/session.json", f"{PARTS}/1"]
        again = scan_again(home, found, reported, state, Ignore.of(home))
    kinds = {path: entry.kind for path, entry in found.entries.items()}
    assert kinds.pop(PARTS) is Kind.OTHER
    assert kinds.pop("my [state] #!/docstore") is Kind.OTHER
    assert set(kinds) == {".docstoreignore", "my [state] #!", "my [state] #!/of-others"}
    assert again.entries == found.entries


async def test_docstores_own_writes_do_not_trigger_a_sync(home: Path) -> None:
    """Otherwise each sync, which writes its status, would trigger another."""
    watch = DiskWatch(home)
    own_folders()[0].mkdir(parents=True)
    watching = asyncio.create_task(watch.run())
    while not watch.touched.is_set():  # it reports nothing before it has begun
        (own_folders()[0] / "session.json").write_text("secret")
        (home / "file").write_bytes(os.urandom(8))
        with suppress(TimeoutError):
            await asyncio.wait_for(watch.touched.wait(), 0.2)
    watching.cancel()
    assert watch.take() == {"file"}


def test_an_invalid_ignore_line_is_reported_and_skipped(folder: Path, state: State) -> None:
    """The other patterns apply; a partial scan reports the line, too."""
    (folder / ".docstoreignore").write_text("# mine\n!\n*.tmp\nbuild\\\n[z-a]\n/b\n")
    for name in ("a", "a.tmp", "b"):
        (folder / name).write_bytes(b"x")
    found, _ = look(folder, state)
    assert {path for path, entry in found.entries.items() if entry.kind is Kind.OTHER} == {"a.tmp", "b"}
    reasons = [f"line {number} is no pattern: {line}" for number, line in ((2, "!"), (4, "build\\"), (5, "[z-a]"))]
    assert found.not_rules == [SkippedPath(".docstoreignore", reason) for reason in reasons]
    assert scan_again(folder, found, ["a"], state, Ignore.of(folder)).not_rules == found.not_rules


def test_a_file_that_changes_while_read_is_retried(folder: Path) -> None:
    """No checksum of mixed content; the next scan finds it."""
    path = folder / "growing"
    path.write_bytes(b"x" * 100)
    stamp = Stamp.of(path.stat())
    assert hash_steady(path, stamp)
    assert hash_steady(path, stamp, lambda _: path.write_bytes(b"y" * 200) and None) == ""


def test_a_partial_scan_finds_what_a_full_scan_finds(folder: Path, state: State) -> None:
    """Files and folders that appeared, disappeared, changed or were replaced; new folders, and missing paths."""
    for name in ("a/1", "a/2", "b/1", "c"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(name.encode())
    before, _ = look(folder, state)
    (folder / "a/1").write_bytes(b"changed")
    (folder / "a/2").unlink()
    (folder / "b").rename(folder / "e")
    (folder / "c").unlink()
    (folder / "c").mkdir()
    (folder / "c/deep/er").mkdir(parents=True)
    (folder / "c/deep/er/1").write_bytes(b"x")
    reported = ["a/1", "a/2", "b", "b/1", "e", "c", "c/deep/er/1", "was/never"]
    again = scan_again(folder, before, reported, state, Ignore.of(folder))
    assert again.entries == look(folder, state)[0].entries
    assert again.stamps.keys() == look(folder, state)[0].stamps.keys()
    assert "b/1" in before.entries


def test_a_partial_scan_reads_only_reported_paths(folder: Path, state: State) -> None:
    """Paths that were not reported keep their entries; ignored folders stay out."""
    (folder / ".docstoreignore").write_text("build/\n")
    (folder / "build").mkdir()
    (folder / "a").write_bytes(b"1")
    before, _ = look(folder, state)
    for name in ("a", "b", "build/x"):
        (folder / name).write_bytes(b"22")
    again = scan_again(folder, before, ["b", "build/x"], state, Ignore.of(folder))
    assert set(again.entries) == {".docstoreignore", "build", "a", "b"}
    assert again.entries["a"] == before.entries["a"]


def test_a_missing_folder_is_an_error(folder: Path, state: State) -> None:
    """It is an error, not a tree without files."""
    folder.rmdir()
    with pytest.raises(FolderMissing):
        look(folder, state)


def test_a_folder_listed_only_in_part_is_an_error(folder: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens, and then the disk fails: an error, not a tree without files."""
    (folder / "a").write_bytes(b"1")
    scandir = os.scandir

    @contextmanager
    def failing(place: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        def children() -> Iterator[os.DirEntry[str]]:
            yield from listing
            raise OSError(errno.EIO, "Input/output error")

        with scandir(place) as listing:
            yield children()

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(FolderMissing, match="Input/output error"):
        look(folder, state)


def test_names_that_are_not_unicode_are_found(folder: Path, state: State) -> None:
    """Any bytes; the planner decides about them."""
    name = os.fsdecode(b"caf\xe9")
    (folder / name).write_bytes(b"x")
    assert look(folder, state)[0].entries[name].kind is Kind.FILE


def test_one_process_at_a_time_and_one_account_for_good(folder: Path, state: State) -> None:
    """A second process gets an error; the link does not change with the logged-in account."""
    with pytest.raises(FolderInUse), open_state(folder):
        pass
    state.link("ada")
    state.link("ada")
    with pytest.raises(OtherAccount):
        state.link("grace")
