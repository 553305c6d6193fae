"""`docstore sync` of a folder that does not exist."""

from pathlib import Path

import pytest
from fake_server import FakeServer
from typer.testing import CliRunner

from docstore_cli.commands.sync import sync as sync_command
from docstore_cli.main import app
from docstore_sync.state_folder import state_folder


@pytest.fixture
def is_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_command, "_is_terminal", lambda: True)


@pytest.mark.usefixtures("is_terminal")
def test_a_mistyped_folder_needs_confirmation(server: FakeServer, tmp_path: Path) -> None:
    """Nothing is created or downloaded unless the answer is yes."""
    outcome = CliRunner().invoke(app, ["sync", str(tmp_path / "typo"), "--once"], input="n\n")
    assert outcome.exit_code == 1
    assert "typo does not exist. Create it and download all files of the account?" in outcome.output.replace("\n", "")
    assert not (tmp_path / "typo").exists()
    assert server.requested == []


@pytest.mark.usefixtures("is_terminal")
@pytest.mark.parametrize(("options", "answer"), [(["--once"], "y\n"), (["--once", "--yes"], "")])
def test_a_folder_that_is_meant_is_created(server: FakeServer, tmp_path: Path, options: list[str], answer: str) -> None:
    """By the answer, or by --yes, which asks nothing: the sync begins, and this server knows no one."""
    outcome = CliRunner().invoke(app, ["sync", str(tmp_path / "new"), *options], input=answer)
    assert "code_404" in outcome.output
    assert ("does not exist" in outcome.output) == bool(answer)


@pytest.mark.usefixtures("is_terminal", "server")
def test_a_synced_folder_that_is_missing_is_not_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though its status is damaged: nobody is asked whether to create it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    state_folder(tmp_path / "gone").mkdir(parents=True)
    (state_folder(tmp_path / "gone") / "status.json").write_bytes(b"")
    outcome = CliRunner().invoke(app, ["sync", str(tmp_path / "gone"), "--once"], input="n\n")
    assert "Create it" not in outcome.output


def test_a_script_is_not_asked(server: FakeServer, tmp_path: Path) -> None:
    """Without a terminal there is no one to ask: the folder is created."""
    outcome = CliRunner().invoke(app, ["sync", str(tmp_path / "new"), "--once"])
    assert "does not exist" not in outcome.output
    assert "code_404" in outcome.output
