"""A failing file does not stop the transfer of the others."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
import typer
from typer.testing import CliRunner

from docstore_cli.commands.files.get import Get
from docstore_cli.commands.files.put import Put
from docstore_cli.main import app
from docstore_cli.remote_path import RemotePath
from docstore_cli.transfers.options import How
from docstore_client import ApiError, AsyncClient, DocStoreError, Source, Unreachable, Wanted
from docstore_client.models import File
from docstore_sync.selection import Filters


def file(path: str, kind: str = "file") -> File:
    known: dict[str, Any] = {"id": path, "path": path, "name": path.rpartition("/")[2], "kind": kind}
    return File.model_construct(**known, size=1, sha256="0" * 64, version=1)


class Account:
    """Takes what it is sent and gives what it has; names with control characters it refuses, as a server does."""

    def __init__(self, tree: Sequence[File] = ()) -> None:
        self.has = {file.path: file for file in tree}
        self.sent: list[str] = []
        self.made: list[str] = []

    async def get_by_path(self, path: str, *, parent_id: str | None = None) -> File:
        self._check(path)
        if path not in self.has:
            raise ApiError(404, "not_found", "nothing")
        return self.has[path]

    async def make_folder(self, path: str, *, parent_id: str | None = None) -> None:
        self._check(path)
        self.made.append(path)

    async def upload_many(self, sources: Sequence[Source], _: Any) -> list[File]:
        self.sent += [source.path or "" for source in sources]
        return [file(source.path or "") for source in sources]

    async def list_folder(self, *, parent_id: str) -> list[File]:
        return [file for path, file in self.has.items() if path.startswith(f"{parent_id}/")]

    async def download_many(self, wanted: Sequence[Wanted], _: Any) -> list[None]:
        return [None] * len(wanted)

    @staticmethod
    def _check(path: str) -> None:
        orjson.dumps(path)
        if any(ord(char) < 32 for char in path):
            raise ApiError(422, "invalid_path", "A name has no control characters.")


def unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests, who may be allowed everything."""
    listed = os.scandir

    def scandir(path: Any) -> Any:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)


@pytest.mark.parametrize(
    ("name", "code"), [(b"bad\x01name", "invalid_path"), (b"latin\xe9", "local_file"), (b"locked", "local_file")]
)
async def test_a_folder_that_can_not_be_sent_stays_behind_alone(
    name: bytes, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty one whose name is refused, or is no Unicode, or one that can't be read: what is beside it is sent."""
    os.makedirs(os.fsencode(tmp_path) + b"/src/" + name)
    (tmp_path / "src" / "empty").mkdir()
    (tmp_path / "src" / "good.txt").write_text("x")
    unreadable(tmp_path / "src" / "locked", monkeypatch)
    account = Account()
    outcome = await Put(cast(AsyncClient, account), How()).run([f"{tmp_path}/src"], RemotePath.parse("/to/"))
    assert (account.sent, account.made) == (["/to/src/good.txt"], ["/to/src/empty"])
    assert [failure["code"] for failure in outcome.failures.items] == [code]
    orjson.dumps(outcome.failures.items)


async def test_a_refused_name_counts_as_not_found(tmp_path: Path) -> None:
    """Sending it fails; the others are compared and sent."""
    names = ["a.txt", "bad\x01name"]
    for name in names:
        (tmp_path / name).write_text("x")
    account = Account()
    put = Put(cast(AsyncClient, account), How())
    await put.run([f"{tmp_path}/{name}" for name in names], RemotePath.parse("/to/"))
    assert account.sent == ["/to/a.txt", "/to/bad\x01name"]


@pytest.mark.parametrize(("taken", "fetched"), [("photos", ["/b.txt"]), ("photos/deep", ["/b.txt", "/photos/a.txt"])])
async def test_a_file_where_a_folder_is_to_be_holds_up_nothing_else(
    taken: str, fetched: list[str], tmp_path: Path
) -> None:
    """It stays as it is, and the folder is reported as failed; the other arguments are fetched."""
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("mine")
    tree = [file("/b.txt"), file("/photos", "folder"), file("/photos/deep", "folder"), file("/photos/a.txt")]
    get = Get(cast(AsyncClient, Account(tree)), None, How())
    outcome = await get.run([RemotePath.parse("/photos"), RemotePath.parse("/b.txt")], str(tmp_path))
    assert sorted(each["path"] for each in outcome.done) == fetched
    assert [failure["what"] for failure in outcome.failures.items] == [f"/{taken}"]
    assert (tmp_path / taken).read_text() == "mine"


class ChangingAccount(Account):
    """One whose folder /photos/deep can't be listed any more, though it was seen."""

    def __init__(self, tree: Sequence[File], refusal: DocStoreError) -> None:
        super().__init__(tree)
        self.refusal = refusal

    async def list_folder(self, *, parent_id: str) -> list[File]:
        if parent_id == "/photos/deep":
            raise self.refusal
        return await super().list_folder(parent_id=parent_id)


TREE = [file("/photos", "folder"), file("/photos/deep", "folder"), file("/photos/a.txt"), file("/b.txt")]
NAMED = [RemotePath.parse("/photos"), RemotePath.parse("/b.txt")]


@pytest.mark.parametrize(("status", "code", "ends_with"), [(404, "not_found", 4), (403, "forbidden", 1)])
async def test_a_folder_that_is_deleted_while_it_is_fetched_holds_up_nothing_else(
    status: int, code: str, ends_with: int, tmp_path: Path
) -> None:
    """Or one whose share has ended: it is reported as failed, which decides the status; the rest is fetched."""
    account = ChangingAccount(TREE, ApiError(status, code, "There is no such folder."))
    outcome = await Get(cast(AsyncClient, account), None, How()).run(NAMED, str(tmp_path))
    assert sorted(each["path"] for each in outcome.done) == ["/b.txt", "/photos/a.txt"]
    assert [(failure["what"], failure["code"]) for failure in outcome.failures.items] == [("/photos/deep", code)]
    with pytest.raises(typer.Exit) as ended:
        outcome.failures.end()
    assert ended.value.exit_code == ends_with


@pytest.mark.parametrize("error", [Unreachable("no answer"), ApiError(401, "unauthorized", "No.")])
async def test_what_no_folder_would_escape_ends_the_command(error: DocStoreError, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        await Get(cast(AsyncClient, ChangingAccount(TREE, error)), None, How()).run(NAMED, str(tmp_path))


PDFS = Filters(include=("*.pdf",), exclude=("/old/",))


async def test_filters_choose_what_is_sent(tmp_path: Path) -> None:
    """Patterns are relative to the source; with `include`, no folder is made for nothing."""
    for name in ("a.pdf", "b.txt", "old/c.pdf", "new/d.pdf", "new/old/e.pdf"):
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).write_text(name)
    (tmp_path / "src" / "empty").mkdir()
    account = Account()
    await Put(cast(AsyncClient, account), How(filters=PDFS)).run([f"{tmp_path}/src"], RemotePath.parse("/to/"))
    assert sorted(account.sent) == ["/to/src/a.pdf", "/to/src/new/d.pdf", "/to/src/new/old/e.pdf"]
    assert account.made == []


async def test_a_dry_run_sends_nothing(tmp_path: Path) -> None:
    """It names what would be sent, and the folders that would be made."""
    (tmp_path / "src" / "empty").mkdir(parents=True)
    (tmp_path / "src" / "a").write_text("a")
    account = Account()
    put = Put(cast(AsyncClient, account), How(dry_run=True))
    outcome = await put.run([f"{tmp_path}/src"], RemotePath.parse("/to/"))
    assert (account.sent, account.made) == ([], [])
    assert outcome.planned == ["/to/src/empty/", "/to/src/a"]


class Deep(Account):
    """Lists only what is directly in a folder."""

    async def list_folder(self, *, parent_id: str) -> list[File]:
        return [file for path, file in self.has.items() if path.rpartition("/")[0] == parent_id]


async def test_filters_choose_what_is_fetched_and_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """Patterns are relative to the folder that is named; excluded folders are not even listed."""
    tree = [file("/top", "folder"), file("/top/old", "folder"), file("/top/new", "folder")]
    tree += [file(f"/top/{name}") for name in ("a.pdf", "b.txt", "old/c.pdf", "new/d.pdf")]
    get = Get(cast(AsyncClient, Deep(tree)), None, How(filters=PDFS, dry_run=True))
    outcome = await get.run([RemotePath.parse("/top")], str(tmp_path / "here"))
    assert sorted(outcome.planned) == [str(tmp_path / "here" / name) for name in ("a.pdf", "new/d.pdf")]
    assert os.listdir(tmp_path) == []


async def fetched(account: Account, sources: Sequence[str], local: Path) -> tuple[list[str], list[str]]:
    """Paths that were fetched, and that failed."""
    get = Get(cast(AsyncClient, account), None, How())
    outcome = await get.run([RemotePath.parse(source) for source in sources], str(local))
    return [each["path"] for each in outcome.done], [failure["what"] for failure in outcome.failures.items]


async def test_a_file_that_would_replace_another_one_is_not_fetched(tmp_path: Path) -> None:
    """Of two folders' files with one name, the first one is fetched, and the other one reported as failed."""
    tree = [file("/a", "folder"), file("/b", "folder"), file("/a/x.txt"), file("/b/x.txt"), file("/b/y.txt")]
    done, failed = await fetched(Deep(tree), ["/a/.", "/b/."], tmp_path)
    assert (done, failed) == (["/a/x.txt", "/b/y.txt"], ["/b/x.txt"])


@pytest.mark.parametrize(("ignores_case", "failures"), [(False, []), (True, ["/p/img.jpg"]), (None, [])])
async def test_names_that_differ_in_case_replace_each_other_only_where_the_disk_ignores_it(
    ignores_case: bool | None, failures: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk decides, not the system: FAT ignores case everywhere."""
    monkeypatch.setattr("docstore_cli.commands.files.get.ignores_case", lambda _: ignores_case)
    tree = [file("/p", "folder"), file("/p/IMG.jpg"), file("/p/img.jpg"), file("/p/other.jpg")]
    done, failed = await fetched(Deep(tree), ["/p/."], tmp_path)
    assert failed == failures
    assert sorted([*done, *failed]) == ["/p/IMG.jpg", "/p/img.jpg", "/p/other.jpg"]


async def test_a_file_that_is_named_twice_is_fetched_once(tmp_path: Path) -> None:
    """By its folder, and by the folder above: that is no failure."""
    tree = [file("/a", "folder"), file("/a/sub", "folder"), file("/a/sub/x.txt")]
    assert await fetched(Deep(tree), ["/a/.", "/a/sub"], tmp_path) == (["/a/sub/x.txt"], [])


async def test_names_that_windows_takes_for_paths_are_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with a backslash or a drive would lead out of the destination; elsewhere both are ordinary names."""
    names = ["..\\evil.exe", "C:evil.exe", "good.txt"]
    tree = [file("/p", "folder"), *(file(f"/p/{name}") for name in names)]
    assert (await fetched(Deep(tree), ["/p/."], tmp_path))[1] == []
    monkeypatch.setattr("docstore_cli.commands.files.get.IS_WINDOWS", True)
    assert await fetched(Deep(tree), ["/p/."], tmp_path) == (["/p/good.txt"], [f"/p/{name}" for name in names[:2]])


@pytest.mark.parametrize(
    "arguments", ["put - /a --dry-run", "put - /a --exclude b", "get --zip a.zip / --include b", "get / --bwlimit x"]
)
def test_options_that_do_not_fit_are_wrong_usage(arguments: str) -> None:
    """Status 2, before anyone is asked for a log-in."""
    outcome = CliRunner().invoke(app, arguments.split(), env={"DOCSTORE_TOKEN": "dst_x"})
    assert outcome.exit_code == 2, outcome.output
