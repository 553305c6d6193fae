"""What is moved while the folder is looked at, which no look sees at one moment."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from docstore_client import AsyncClient
from docstore_sync.disk import Disk
from docstore_sync.looking import Looker
from docstore_sync.model import Do, RemoteEntry, SyncedEntry
from docstore_sync.remote import RemoteTree
from docstore_sync.scan import Ignore, identity_of, scan
from docstore_sync.state import RemoteRow, Stamp, State, opened
from docstore_sync.watching import DiskWatch

ME = "me"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with opened(tmp_path / "folder") as state:
        yield state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file in each of two folders; whichever is looked into first."""
    for name in ("a", "b"):
        (tmp_path / "folder" / name).mkdir(parents=True)
        (tmp_path / "folder" / name / name).write_text(name)
    return tmp_path / "folder"


@pytest.fixture
def looker(folder: Path, state: State) -> Looker:
    """All that is in the folder is synced: at the server it is known by its path."""
    remote = RemoteTree(cast(AsyncClient, None), state, ME)
    for path, found in scan(folder, state, Ignore.of(folder)).entries.items():
        parent, _, name = path.rpartition("/")
        entry = RemoteEntry(path, parent or ME, name, found.kind, found.sha256, 1)
        remote.put(RemoteRow(entry, 1, 0))
        state.record(SyncedEntry(path, entry.parent_id, name, found.kind, found.sha256, found.identity))
    return Looker(folder, state, Disk(folder, state), remote, DiskWatch(folder), ME, "laptop")


def move_at_first_file(
    folder: Path, state: State, monkeypatch: pytest.MonkeyPatch, move: Callable[[str, str], None]
) -> None:
    """`move` is told in which folder the first file of the next look is, and which one is not yet looked into."""
    names = {identity_of((folder / name / name).stat()): name for name in ("a", "b")}
    hash_of = state.hash_of

    def moving(identity: str, stamp: Stamp) -> str:
        if names:
            first = names.pop(identity)
            move(first, *names.values())
            names.clear()
        return hash_of(identity, stamp)

    monkeypatch.setattr(state, "hash_of", moving)


async def test_what_moves_behind_a_look_is_not_deleted(
    folder: Path, state: State, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of a folder that is still to be listed into one that was: it is seen nowhere, and yet it has moved."""

    def move(first: str, later: str) -> None:
        os.rename(folder / later / later, folder / first / later)

    move_at_first_file(folder, state, monkeypatch, move)
    _, made = await looker.look()
    assert [step.do for step in made.actions] == [Do.MOVE_THERE]


async def test_what_moves_ahead_of_a_look_is_no_new_file(
    folder: Path, state: State, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of a folder that was listed into one that is still to be: it is seen twice, and is still one file."""

    def move(first: str, later: str) -> None:
        os.rename(folder / first / first, folder / later / first)

    move_at_first_file(folder, state, monkeypatch, move)
    _, made = await looker.look()
    assert [step.do for step in made.actions] == [Do.MOVE_THERE]


async def test_what_goes_between_two_looks_is_deleted_by_the_next(
    folder: Path, state: State, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missed by the second look alone it is not yet; what both have missed is."""
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
    found, made = await looker.look()
    assert found.busy
    assert [(step.do, step.node.remote_id) for step in made.actions] == [(Do.DELETE_THERE, "a/a")]
    found, made = await looker.look()
    assert not found.busy
    assert {step.node.remote_id for step in made.actions if step.do is Do.DELETE_THERE} == {"a/a", "b/b"}
