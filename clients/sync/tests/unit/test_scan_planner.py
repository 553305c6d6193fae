"""Files that move while the folder is scanned."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from docstore_client import AsyncClient
from docstore_sync.local.disk import Disk
from docstore_sync.local.disk_watch import DiskWatch
from docstore_sync.local.scan import Ignore, identity_of, scan
from docstore_sync.model import ActionType, RemoteEntry, SyncedEntry
from docstore_sync.remote import RemoteTree
from docstore_sync.scan_planner import ScanPlanner
from docstore_sync.state import RemoteRow, Stamp, State, open_state

ME = "me"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with open_state(tmp_path / "folder") as state:
        yield state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file in each of two folders; scanned in either order."""
    for name in ("a", "b"):
        (tmp_path / "folder" / name).mkdir(parents=True)
        (tmp_path / "folder" / name / name).write_text(name)
    return tmp_path / "folder"


@pytest.fixture
def scan_planner(folder: Path, state: State) -> ScanPlanner:
    """Everything in the folder is synced; its server ids are its paths."""
    remote = RemoteTree(cast(AsyncClient, None), state, ME)
    for path, found in scan(folder, state, Ignore.of(folder)).entries.items():
        parent, _, name = path.rpartition("/")
        entry = RemoteEntry(path, parent or ME, name, found.kind, found.sha256, 1)
        remote.put(RemoteRow(entry, 1, 0))
        state.record(SyncedEntry(path, entry.parent_id, name, found.kind, found.sha256, found.identity))
    return ScanPlanner(folder, state, Disk(folder, state), remote, DiskWatch(folder), ME, "laptop")


def move_at_first_file(
    folder: Path, state: State, monkeypatch: pytest.MonkeyPatch, move: Callable[[str, str], None]
) -> None:
    """`move` gets the folder of the first file that the next scan hashes, and the folder not yet scanned."""
    names = {identity_of((folder / name / name).stat()): name for name in ("a", "b")}
    hash_of = state.hash_of

    def moving(identity: str, stamp: Stamp) -> str:
        if names:
            first = names.pop(identity)
            move(first, *names.values())
            names.clear()
        return hash_of(identity, stamp)

    monkeypatch.setattr(state, "hash_of", moving)


async def test_a_file_missed_by_a_scan_is_not_deleted(
    folder: Path, state: State, scan_planner: ScanPlanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file moved from an unlisted folder into a listed one is found nowhere, but still exists."""

    def move(first: str, later: str) -> None:
        os.rename(folder / later / later, folder / first / later)

    move_at_first_file(folder, state, monkeypatch, move)
    _, made = await scan_planner.scan()
    assert [step.do for step in made.actions] == [ActionType.MOVE_REMOTE]


async def test_a_file_found_twice_by_a_scan_is_one_file(
    folder: Path, state: State, scan_planner: ScanPlanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file moved from a listed folder into an unlisted one is found twice, but is one file."""

    def move(first: str, later: str) -> None:
        os.rename(folder / first / first, folder / later / first)

    move_at_first_file(folder, state, monkeypatch, move)
    _, made = await scan_planner.scan()
    assert [step.do for step in made.actions] == [ActionType.MOVE_REMOTE]


async def test_a_file_deleted_between_two_scans_is_deleted_by_the_next_sync(
    folder: Path, state: State, scan_planner: ScanPlanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that only the second scan missed is kept; the next sync deletes it."""
    (folder / "a" / "a").unlink()
    names = {identity_of((folder / "b" / "b").stat())}
    hash_of = state.hash_of

    def deleting(identity: str, stamp: Stamp) -> str:
        found = hash_of(identity, stamp)
        if names:
            names.clear()
            (folder / "b" / "b").unlink()
        return found

    monkeypatch.setattr(state, "hash_of", deleting)
    found, made = await scan_planner.scan()
    assert found.busy
    assert [(step.do, step.node.remote_id) for step in made.actions] == [(ActionType.DELETE_REMOTE, "a/a")]
    found, made = await scan_planner.scan()
    assert not found.busy
    assert {step.node.remote_id for step in made.actions if step.do is ActionType.DELETE_REMOTE} == {"a/a", "b/b"}
