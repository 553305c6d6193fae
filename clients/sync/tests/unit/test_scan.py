"""Looking at the folder: what is read, what is left alone, what is waited for."""

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from docstore_sync.model import Aside, Kind
from docstore_sync.scan import PARTS, FolderMissing, Ignore, Scan, hash_steady, scan, scan_again
from docstore_sync.state import FolderInUse, OtherAccount, Stamp, State, opened, own_folders
from docstore_sync.watching import DiskWatch


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


@pytest.fixture
def state(folder: Path) -> Iterator[State]:
    with opened(folder) as state:
        yield state


def look(folder: Path, state: State) -> tuple[Scan, int]:
    """What is found, and how many bytes were read for that."""
    read: list[int] = []
    found = scan(folder, state, Ignore.of(folder), read.append)
    return found, sum(read)


def test_only_what_has_changed_is_read(folder: Path, state: State) -> None:
    """All of it at first, then nothing, then the one that was written or saved anew."""
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


def test_a_file_of_the_same_size_and_time_is_still_seen_to_be_changed(folder: Path, state: State) -> None:
    """Whoever sets the time back can't set back when that was done."""
    (folder / "a").write_bytes(b"one")
    before, _ = look(folder, state)
    times = (folder / "a").stat()
    (folder / "a").write_bytes(b"two")
    os.utime(folder / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    after, _ = look(folder, state)
    assert before.entries["a"].sha256 != after.entries["a"].sha256


def test_links_and_pipes_are_named_with_the_reason_and_not_followed(folder: Path, state: State) -> None:
    """A link to a folder is no folder; neither is opened."""
    (folder / "folder").mkdir()
    (folder / "folder/file").write_bytes(b"x")
    (folder / "link").symlink_to("folder")
    os.mkfifo(folder / "pipe")
    found, _ = look(folder, state)
    assert set(found.entries) == {"folder", "folder/file", "link", "pipe"}
    assert found.entries["link"].trouble == "it is a symbolic link"
    assert found.entries["pipe"].kind is Kind.OTHER


def test_what_the_ignore_file_names_holds_its_place_only(folder: Path, state: State) -> None:
    """Patterns as in .gitignore: folders, exceptions, from the root; an ignored folder is not looked into."""
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
    """A folder with DocStore's own state, and the log-in, in it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "my [state] #!"))
    return folder


def test_the_state_and_the_log_in_are_not_synced(home: Path) -> None:
    """Of a home they would go to the server, and to all other devices; no rule brings them back."""
    with opened(home) as state:
        (own_folders()[0] / "session.json").write_text("secret")
        (home / "my [state] #!/of-others").write_bytes(b"x")
        (home / ".docstoreignore").write_text("!*\n!docstore\n!.docstore-parts\n")
        (home / PARTS).mkdir()
        found, _ = look(home, state)
        told = ["my [state] #!/docstore/session.json", f"{PARTS}/1"]
        again = scan_again(home, found, told, state, Ignore.of(home))
    kinds = {path: entry.kind for path, entry in found.entries.items()}
    assert kinds.pop(PARTS) is Kind.OTHER
    assert kinds.pop("my [state] #!/docstore") is Kind.OTHER
    assert set(kinds) == {".docstoreignore", "my [state] #!", "my [state] #!/of-others"}
    assert again.entries == found.entries


async def test_what_docstore_does_itself_wakes_nobody(home: Path) -> None:
    """Else each sync, which says in its state how it went, would be followed by another."""
    watch = DiskWatch(home)
    own_folders()[0].mkdir(parents=True)
    watching = asyncio.create_task(watch.run())
    while not watch.touched.is_set():  # it hears nothing before it has begun
        (own_folders()[0] / "session.json").write_text("secret")
        (home / "file").write_bytes(os.urandom(8))
        with suppress(TimeoutError):
            await asyncio.wait_for(watch.touched.wait(), 0.2)
    watching.cancel()
    assert watch.take() == {"file"}


def test_a_line_of_the_ignore_file_that_is_no_pattern_is_named_and_left_out(folder: Path, state: State) -> None:
    """The others hold; a look at some places names it, too."""
    (folder / ".docstoreignore").write_text("# mine\n!\n*.tmp\nbuild\\\n[z-a]\n/b\n")
    for name in ("a", "a.tmp", "b"):
        (folder / name).write_bytes(b"x")
    found, _ = look(folder, state)
    assert {path for path, entry in found.entries.items() if entry.kind is Kind.OTHER} == {"a.tmp", "b"}
    reasons = [f"line {number} is no pattern: {line}" for number, line in ((2, "!"), (4, "build\\"), (5, "[z-a]"))]
    assert found.not_rules == [Aside(".docstoreignore", reason) for reason in reasons]
    assert scan_again(folder, found, ["a"], state, Ignore.of(folder)).not_rules == found.not_rules


def test_a_file_that_changes_while_it_is_read_is_read_later(folder: Path) -> None:
    """No checksum of a mixture; the next look finds it."""
    path = folder / "growing"
    path.write_bytes(b"x" * 100)
    stamp = Stamp.of(path.stat())
    assert hash_steady(path, stamp)
    assert hash_steady(path, stamp, lambda _: path.write_bytes(b"y" * 200) and None) == ""


def test_looking_where_something_was_told_of_finds_what_looking_everywhere_does(folder: Path, state: State) -> None:
    """Files and folders that came, went, changed or took another's place; paths in new folders, and of nothing."""
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
    told = ["a/1", "a/2", "b", "b/1", "e", "c", "c/deep/er/1", "was/never"]
    again = scan_again(folder, before, told, state, Ignore.of(folder))
    assert again.entries == look(folder, state)[0].entries
    assert again.stamps.keys() == look(folder, state)[0].stamps.keys()
    assert "b/1" in before.entries


def test_only_what_was_told_of_is_looked_at(folder: Path, state: State) -> None:
    """What nobody told of is as it was; what is in an ignored folder stays out."""
    (folder / ".docstoreignore").write_text("build/\n")
    (folder / "build").mkdir()
    (folder / "a").write_bytes(b"1")
    before, _ = look(folder, state)
    for name in ("a", "b", "build/x"):
        (folder / name).write_bytes(b"22")
    again = scan_again(folder, before, ["b", "build/x"], state, Ignore.of(folder))
    assert set(again.entries) == {".docstoreignore", "build", "a", "b"}
    assert again.entries["a"] == before.entries["a"]


def test_a_folder_that_is_gone_is_not_an_empty_one(folder: Path, state: State) -> None:
    """It is an error, not a tree without files."""
    folder.rmdir()
    with pytest.raises(FolderMissing):
        look(folder, state)


def test_a_folder_that_can_not_be_listed_to_the_end_is_not_an_empty_one(
    folder: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_names_that_are_no_text_are_found(folder: Path, state: State) -> None:
    """Whatever bytes the disk has; the planner says what becomes of them."""
    name = os.fsdecode(b"caf\xe9")
    (folder / name).write_bytes(b"x")
    assert look(folder, state)[0].entries[name].kind is Kind.FILE


def test_one_process_at_a_time_and_one_account_for_good(folder: Path, state: State) -> None:
    """A second one is told so; the link is not changed by who happens to be logged in."""
    with pytest.raises(FolderInUse), opened(folder):
        pass
    state.link("ada")
    state.link("ada")
    with pytest.raises(OtherAccount):
        state.link("grace")
