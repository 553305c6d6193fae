"""`docstore sync`: options, status, pauses, the unit that runs it, and notifications."""

import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from docstore_cli.commands.sync.notices import SyncNotices
from docstore_cli.main import app
from docstore_cli.system.desktop import command_for
from docstore_cli.transfers.options import limited
from docstore_client import Options
from docstore_sync.engine import Result
from docstore_sync.model import Action, ActionType, Kind, Node
from docstore_sync.state_folder import state_folder
from docstore_sync.status import write_status

linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that was synced once."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "My files"
    folder.mkdir()
    runner = CliRunner()
    assert runner.invoke(app, ["sync", "status", str(folder)]).exit_code == 1
    (tmp_path / "state" / "docstore" / "sync").mkdir(parents=True)
    return folder


@pytest.fixture
def synced(folder: Path) -> Path:
    state_folder(folder).mkdir(parents=True)
    write_status(folder, "waiting", ["a.txt: the disk is full"], ["b: it is a symbolic link"])
    return folder


def said(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_status_shows_state_pending_and_errors(synced: Path) -> None:
    """For people and for programs; the older `--status` shows the same."""
    text = said("sync", "status", str(synced))
    assert text.startswith("waiting since ")
    assert "1 steps, not running" in text
    assert "last in sync: never" in text
    assert "a.txt: the disk is full" in text
    assert said("sync", str(synced), "--status") == text
    status = json.loads(said("sync", "status", str(synced), "--json"))
    assert (status["state"], status["pending"], status["running"]) == ("waiting", 1, False)
    assert status["selection"] == {"folders": [], "filters": {"include": [], "exclude": []}}


def test_a_folder_is_paused_and_resumed(synced: Path) -> None:
    """The status says so; pausing twice is no error."""
    for _ in range(2):
        assert "is paused" in said("sync", "pause", str(synced))
    assert said("sync", "status", str(synced)).startswith("paused since ")
    assert json.loads(said("sync", "resume", str(synced), "--json")) == {"folder": str(synced), "paused": False}
    assert said("sync", "status", str(synced)).startswith("waiting since ")


def test_a_damaged_status_is_reported_and_hinders_no_pause(synced: Path) -> None:
    """As a power cut leaves it: the folder was synced all the same."""
    (state_folder(synced) / "status.json").write_bytes(b"")
    outcome = CliRunner().invoke(app, ["sync", "status", str(synced)])
    assert outcome.exit_code == 1
    assert "no status that can be read" in outcome.stderr
    assert "is paused" in said("sync", "pause", str(synced))


@pytest.mark.parametrize("command", ["status", "pause", "resume"])
@pytest.mark.parametrize("has_state", [False, True])
def test_a_folder_that_was_never_synced_is_an_error(command: str, has_state: bool, folder: Path) -> None:
    """Status 1, also after a dry run, which leaves a state without a status."""
    if has_state:
        state_folder(folder).mkdir(parents=True)
    outcome = CliRunner().invoke(app, ["sync", command, str(folder)])
    assert outcome.exit_code == 1
    assert "was never synced" in outcome.stderr


@pytest.mark.parametrize(
    "options",
    [["--bwlimit", "fast"], ["--bwlimit", "0"], ["--bwlimit", "-1M"], ["--exclude", "a\\"], ["--folder", "../a"]],
)
def test_wrong_options_are_wrong_usage(options: list[str], folder: Path) -> None:
    """Before anything is asked or done."""
    outcome = CliRunner().invoke(app, ["sync", str(folder), "--once", *options])
    assert outcome.exit_code == 2, outcome.output


@pytest.mark.parametrize(
    ("limit", "up", "down"),
    [
        ("1M", 1 << 20, 1 << 20),
        ("512", 512 << 10, 512 << 10),
        ("1.5k", 1536, 1536),
        ("512K:off", 512 << 10, None),
        ("off:2M", None, 2 << 20),
        ("100B", 100, 100),
        ("off", None, None),
    ],
)
def test_limits_are_read_as_rclone_reads_them(limit: str, up: int | None, down: int | None) -> None:
    """One rate for both directions, or one for each."""
    options = limited(Options(), limit)
    assert (options.upload_limit, options.download_limit) == (up, down)


def test_a_limit_needs_a_unit_that_exists() -> None:
    """Anything else is refused."""
    for wrong in ("1T", "M", "", ":", "x:1M"):
        with pytest.raises(typer.BadParameter):
            limited(Options(), wrong)


@linux
def test_a_unit_syncs_a_folder(folder: Path, tmp_path: Path) -> None:
    """It is written where systemd looks, has a name of its own for each folder, and runs with the same limit."""
    shown = CliRunner().invoke(app, ["sync", "install-service", str(folder), "--bwlimit", "1M"])
    assert shown.exit_code == 0, shown.output
    (written,) = (tmp_path / "config" / "systemd" / "user").iterdir()
    assert written.read_text() == shown.stdout
    assert written.name.startswith("docstore-sync-my-files-")
    assert f'sync run "{folder}" --bwlimit 1M\n' in shown.stdout
    assert "enable --now docstore-sync-my-files-" in shown.stderr
    other = json.loads(said("sync", "install-service", str(tmp_path / "other" / "my files"), "--print", "--json"))
    assert other["path"] != str(written)
    assert not Path(other["path"]).exists()


def result(failures: list[str], *conflicts: str) -> Result:
    node = Node(Kind.FILE)
    return Result(failures=failures, actions=[Action(ActionType.UPLOAD, node, node, name) for name in conflicts])


def test_errors_and_conflicts_are_notified_once() -> None:
    """Not at each retry; again after they were gone."""
    notices: list[str] = []
    of = SyncNotices("work", lambda _, text: notices.append(text))
    for failures in (["a: full"], ["a: full"], [], ["a: full", "b: full"]):
        of.rested(result(failures))
    of.rested(result([], "a (conflicted copy 2026-01-01 laptop).txt"))
    assert notices == [
        "Not synced: a: full",
        "Not synced: a: full, b: full",
        "Conflicted copies: a (conflicted copy 2026-01-01 laptop).txt",
    ]


def test_each_system_has_its_program_for_notifications() -> None:
    """Texts are arguments, never part of a script; without a desktop there is none."""
    assert command_for("t", "a<b", "linux", {"DISPLAY": ":0"})[-2:] == ["t", "a&lt;b"]
    assert command_for("t", '" & x', "darwin", {})[-2:] == ["t", '" & x']
    assert command_for("t", "x", "linux", {}) == []
    assert command_for("t", "x", "win32", {}) == []
