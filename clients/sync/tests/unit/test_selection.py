"""What is selected, and what a change of it does on both sides."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from fake_account import FakeAccount

from docstore_client import AsyncClient
from docstore_platform.testing import eventually
from docstore_sync import pausing
from docstore_sync.engine import Paused, Progress, Result, engine
from docstore_sync.model import OUTSIDE
from docstore_sync.selection import BadPattern, Filters, Selection
from docstore_sync.state import open_state, read_selection
from docstore_sync.state_folder import is_in_use
from docstore_sync.status import Status, read_status


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


async def synced(folder: Path, account: FakeAccount, selection: Selection | None = None) -> Result:
    """Result of a single sync; without a selection, with the one that is kept."""
    async with engine(folder, cast(AsyncClient, account), "laptop") as one:
        if selection is not None:
            one.select(selection)
        return await one.sync()


async def shown(folder: Path, state: str) -> Status:
    """The status, as soon as it shows this state."""

    async def awaited() -> Status | None:
        status = read_status(folder)
        return status if status and status.state == state else None

    return await eventually(awaited)


def local(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("filters", "path", "is_folder", "left_out"),
    [
        (Filters(), "a", False, False),
        (Filters(exclude=("*.iso",)), "a/b.iso", False, True),
        (Filters(exclude=("/build/",)), "build/x", False, True),
        (Filters(exclude=("/build/",)), "src/build", True, False),
        (Filters(include=("*.pdf",)), "a/b.pdf", False, False),
        (Filters(include=("*.pdf",)), "a/b.txt", False, True),
        (Filters(include=("*.pdf",)), "a", True, False),
        (Filters(include=("*.pdf",), exclude=("old",)), "old/b.pdf", False, True),
    ],
)
def test_filters(filters: Filters, path: str, is_folder: bool, left_out: bool) -> None:
    """Patterns are as in .gitignore; what is excluded is not included; folders are never left out by `include`."""
    assert filters.leaves_out(path, is_folder) is left_out


def test_selected_folders_include_those_above_them() -> None:
    """A folder on the way to a selected one is synced, but not the files in it."""
    selection = Selection().changed(folders=["/work/photos/"])
    assert [selection.is_outside(path, True) for path in ("work", "work/photos", "work/photos/2026", "workshop")] == [
        False, False, False, True,
    ]  # fmt: skip
    assert selection.is_outside("work/a.txt", False)
    assert not selection.is_outside("work/photos/a.jpg", False)


def test_a_change_of_the_selection_keeps_what_is_not_named() -> None:
    """One option replaces one list; an empty word clears it."""
    first = Selection().changed(folders=["work"], exclude=["*.iso"])
    assert first.changed(include=["*.pdf"]) == Selection(("work",), Filters(("*.pdf",), ("*.iso",)))
    assert first.changed(exclude=[""]).filters == Filters()
    assert Selection.from_json(first.to_json()) == first
    for bad in ("../work", "", "a//b"):
        with pytest.raises(BadPattern):
            Selection().changed(folders=[bad or "/"])
    with pytest.raises(BadPattern):
        Selection().changed(exclude=["build\\"])


async def test_excluded_files_stay_on_both_sides(folder: Path) -> None:
    """Also when one is deleted here and excluded no more: it comes back."""
    account = FakeAccount()
    account.put("a.iso", b"there")
    (folder / "b.iso").write_bytes(b"here")
    await synced(folder, account)
    await synced(folder, account, Selection().changed(exclude=["*.iso"]))
    (folder / "a.iso").unlink()
    assert (await synced(folder, account)).in_sync
    assert account.names() == {"a.iso", "b.iso"}
    assert local(folder) == {"b.iso"}
    await synced(folder, account, Selection())
    assert account.names() == local(folder) == {"a.iso", "b.iso"}


async def test_unchanged_copies_leave_the_disk_with_their_folder(folder: Path) -> None:
    """An edited one stays, and is reported; nothing is deleted on the server."""
    account = FakeAccount()
    for name in ("unchanged", "edited"):
        account.put(name, b"old")
    await synced(folder, account)
    (folder / "edited").write_bytes(b"mine")
    (folder / "new").write_bytes(b"mine")
    result = await synced(folder, account, Selection().changed(folders=["work"]))
    assert local(folder) == {"edited", "new"}
    assert sorted(result.skipped) == [f"edited: {OUTSIDE}", f"new: {OUTSIDE}"]
    assert result.in_sync
    assert account.contents[account.named("edited").id] == b"old"
    assert account.names() == {"unchanged", "edited"}
    await synced(folder, account, Selection())
    assert {"unchanged", "edited", "new"} < local(folder)
    assert b"mine" in {account.contents[file.id] for file in account.files.values() if "conflicted" in file.name}


async def test_many_copies_leave_without_a_question(folder: Path) -> None:
    """The question is about mistakes; this is what the user chose."""
    account = FakeAccount()
    for number in range(20):
        account.put(f"file{number}", b"old")
    await synced(folder, account)
    assert (await synced(folder, account, Selection().changed(folders=["work"]))).in_sync
    assert local(folder) == set()
    assert len(account.files) == 20


async def test_the_selection_is_kept_and_can_be_read_meanwhile(folder: Path) -> None:
    """Another process shows it while the folder is synced."""
    selection = Selection().changed(exclude=["*.iso"])
    assert (read_selection(folder), is_in_use(folder)) == (Selection(), False)
    await synced(folder, FakeAccount(), selection)
    with open_state(folder) as state:
        assert state.selection() == read_selection(folder) == selection
        assert is_in_use(folder)
    assert not is_in_use(folder)


async def test_a_dry_run_links_and_keeps_nothing(folder: Path) -> None:
    """Neither side, the selection nor the link to the account changes."""
    account = FakeAccount()
    account.put("there", b"1")
    (folder / "here").write_bytes(b"2")
    async with engine(folder, cast(AsyncClient, account), "laptop") as one:
        one.select(Selection().changed(exclude=["*.iso"]))
        planned = await one.dry_run()
    assert len(planned.actions) == 2
    assert (local(folder), account.names()) == ({"here"}, {"there"})
    with open_state(folder) as state:
        assert (state.get("account"), state.selection(), state.synced()) == ("", Selection(), [])


async def test_a_paused_folder_is_not_synced_until_it_is_resumed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running engine stops and continues; a single sync is refused."""
    monkeypatch.setattr(pausing, "CHECK_SECONDS", 0.01)
    account = FakeAccount()
    await synced(folder, account)
    pausing.pause(folder)
    with pytest.raises(Paused):
        await synced(folder, account)
    rested = asyncio.Event()
    progress = Progress(rested=lambda _: rested.set())
    async with engine(folder, cast(AsyncClient, account), "laptop", progress=progress) as one:
        watching = asyncio.create_task(one.watch())
        await shown(folder, "paused")
        (folder / "a").write_bytes(b"1")
        assert account.names() == set()
        pausing.resume(folder)
        await rested.wait()
        assert account.names() == {"a"}
        pausing.pause(folder)
        assert (await shown(folder, "paused")).synced_at
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
