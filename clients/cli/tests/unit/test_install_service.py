"""Units that start a stack with the system."""

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docstore_cli.main import app
from docstore_cli.system.service_units import Service, launchd_agent, quoted, systemd_unit

linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")


@pytest.fixture(autouse=True)
def settings_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@linux
def test_a_unit_of_the_user(tmp_path: Path) -> None:
    """It is written where systemd looks, and printed; it runs the command with the same options."""
    given = ["install-service", "--data", str(tmp_path / "my data"), "--lan", "--host", "box.local"]
    shown = CliRunner().invoke(app, given)
    assert shown.exit_code == 0, shown.output
    written = (tmp_path / "config" / "systemd" / "user" / "docstore.service").read_text()
    assert written == shown.stdout
    assert f'up --data "{tmp_path}/my data" --lan --host box.local\n' in written
    assert "WantedBy=default.target" in written
    assert "User=" not in written
    assert "systemctl --user enable --now docstore" in shown.stderr


@linux
def test_printing_writes_nothing(tmp_path: Path) -> None:
    """A unit of the system runs as its user, who may use ports below 1024."""
    given = ["install-service", "--data", str(tmp_path), "--system", "--user", "docstore", "--print"]
    shown = CliRunner().invoke(app, given)
    assert shown.exit_code == 0, shown.output
    assert "User=docstore\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n" in shown.stdout
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("options", [["--system"], ["--user", "docstore"], ["--host", "box.local"]])
def test_incomplete_options_are_refused(options: list[str]) -> None:
    """Before anything is written."""
    assert CliRunner().invoke(app, ["install-service", *options]).exit_code == 2


def test_words_are_quoted_for_systemd() -> None:
    """It expands percent and dollar signs, and splits at spaces."""
    assert quoted("plain") == "plain"
    assert quoted("a b") == '"a b"'
    assert quoted('50%$"\\') == '"50%%$$\\"\\\\"'


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd's own checker")
@pytest.mark.parametrize("user", [None, "root"])
def test_systemd_accepts_it(tmp_path: Path, user: str | None) -> None:
    """Its own checker has no complaint."""
    unit = tmp_path / "docstore.service"
    unit.write_text(systemd_unit(Service([sys.executable, "-m", "docstore_cli", "up"], tmp_path, user)))
    manager = "--user" if user is None else "--system"
    checked = subprocess.run(["systemd-analyze", manager, "verify", unit], capture_output=True, text=True, check=False)
    assert "docstore.service" not in checked.stderr


def test_an_agent_of_launchd() -> None:
    """It is a property list that restarts the program after a crash only."""
    agent = plistlib.loads(
        launchd_agent("org.docstore", Service(["python", "-m", "x y"], Path("/d/logs/up.log"))).encode()
    )
    assert agent["ProgramArguments"] == ["python", "-m", "x y"]
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["StandardErrorPath"] == "/d/logs/up.log"
