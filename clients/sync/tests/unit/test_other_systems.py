"""What Windows and macOS do differently, simulated: names, case, long paths and locked files."""

import errno
import os
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from fake_account import FakeAccount

from docstore_client import AsyncClient
from docstore_sync.engine import Result, engine
from docstore_sync.local import disk
from docstore_sync.names import Rules, fold
from docstore_sync.scan_planner import ScanPlanner

NFD = unicodedata.normalize("NFD", "Größe.txt")


async def synced(folder: Path, account: FakeAccount) -> Result:
    async with engine(folder, cast(AsyncClient, account), "laptop") as one:
        return await one.sync()


def system(monkeypatch: pytest.MonkeyPatch, *, windows: bool = False) -> None:
    """Have the engine follow the rules of a disk that ignores case."""
    rules = Rules("laptop", date(2026, 1, 1), fold, windows=windows)
    monkeypatch.setattr(ScanPlanner, "rules", lambda _: rules)


def locked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have another program hold a file open, as on Windows: it is neither moved nor replaced nor deleted."""

    def guarded(call: Any) -> Any:
        def refusing(*paths: Any, **more: Any) -> Any:
            if any(Path(path).name == name for path in paths):
                raise PermissionError(errno.EACCES, "The process cannot access the file", str(paths[0]))
            return call(*paths, **more)

        return refusing

    for call in ("rename", "replace", "unlink"):
        monkeypatch.setattr(os, call, guarded(getattr(os, call)))
    monkeypatch.setattr(disk, "_renameat2", None)


@pytest.mark.parametrize("name", ["con.txt", "a?.txt", "dot.", "space ", "LPT1"])
async def test_names_that_windows_refuses_stay_on_the_server(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are reported, and the others are synced; nothing is deleted on the server for want of them here."""
    system(monkeypatch, windows=True)
    account = FakeAccount()
    account.put(name, b"1")
    account.put("good.txt", b"2")
    for _ in range(2):
        result = await synced(folder, account)
        assert os.listdir(folder) == ["good.txt"]
        assert [each.partition(": ")[0] for each in result.skipped] == [name]
    assert account.names() == {name, "good.txt"}


async def test_names_that_differ_in_case_are_not_mixed_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is synced, the other reported; both stay on the server."""
    system(monkeypatch)
    account = FakeAccount()
    account.put("Plan.txt", b"1")
    account.put("plan.txt", b"2")
    result = await synced(folder, account)
    (here,) = os.listdir(folder)
    assert (folder / here).read_bytes() == account.contents[account.named(here).id]
    assert len(result.skipped) == 1
    assert account.names() == {"Plan.txt", "plan.txt"}


async def test_a_rename_of_case_alone_is_a_rename(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file gets its new name; it is neither a conflict nor uploaded again."""
    system(monkeypatch)
    account = FakeAccount()
    account.put("plan.txt", b"1")
    await synced(folder, account)
    file = account.named("plan.txt")
    renamed = file.model_copy(update={"name": "Plan.txt"})
    account.files[file.id] = renamed
    account._tell("moved", renamed)
    assert (await synced(folder, account)).in_sync
    assert os.listdir(folder) == ["Plan.txt"]
    assert account.names() == {"Plan.txt"}


async def test_a_decomposed_name_is_reported_and_kept(folder: Path) -> None:
    """As older macOS disks write them: the server has composed names alone."""
    (folder / NFD).write_bytes(b"1")
    (folder / "good.txt").write_bytes(b"2")
    account = FakeAccount()
    result = await synced(folder, account)
    assert account.names() == {"good.txt"}
    assert [each.partition(": ")[0] for each in result.skipped] == [NFD]
    assert (folder / NFD).read_bytes() == b"1"


@pytest.mark.parametrize("change", ["edited", "deleted"])
async def test_a_locked_file_waits(change: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported and keeps its content, the others are synced; once it is free, it follows."""
    account = FakeAccount()
    for name in ("locked.txt", "free.txt"):
        account.put(name, b"old")
    await synced(folder, account)
    for name in ("locked.txt", "free.txt"):
        if change == "edited":
            account.put(name, b"new")
        else:
            await account.delete(account.named(name).id)
    with monkeypatch.context() as during:
        locked("locked.txt", during)
        result = await synced(folder, account)
    assert not result.in_sync
    assert any("locked.txt" in failure for failure in result.failures)
    assert (folder / "locked.txt").read_bytes() == b"old"
    expected = {"locked.txt", "free.txt"} if change == "edited" else set()
    assert (await synced(folder, account)).in_sync
    assert {name for name in os.listdir(folder) if not name.startswith(".")} == expected
    assert all((folder / name).read_bytes() == b"new" for name in expected)


async def test_a_path_that_is_too_long_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the system, as Windows has 260 characters: the file waits, the others are synced."""
    account = FakeAccount()
    account.put("long.txt", b"1")
    account.put("good.txt", b"2")
    rename = os.rename

    def refusing(path: Any, target: Any) -> None:
        if Path(target).name == "long.txt":
            raise OSError(errno.ENAMETOOLONG, "File name too long", str(target))
        rename(path, target)

    monkeypatch.setattr(disk, "_renameat2", None)
    monkeypatch.setattr(os, "rename", refusing)
    result = await synced(folder, account)
    assert not result.in_sync
    assert any("long.txt" in failure for failure in result.failures)
    assert (folder / "good.txt").exists()
    assert account.names() == {"long.txt", "good.txt"}
