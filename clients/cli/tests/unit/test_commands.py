"""The table of commands is correct, and a command imports no other."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from docstore_cli.failures import ended_by, status_of
from docstore_cli.main import COMMANDS, app
from docstore_cli.moments import moment
from docstore_cli.options import shown, size_text
from docstore_cli.transfers.local_tree import scan
from docstore_client import ApiError, ContentDiffers, StoreError, Unreachable

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
WITHOUT_JSON = {"up", "down", "demo", "install-service", "cat", "api"}
"""They start and stop things, or print something of its own form."""


def command(name: str) -> Any:
    group: Any = typer.main.get_command(app)
    return group.get_command(None, name)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_matches_the_command(name: str) -> None:
    """Its line is the first of its own help; and every command answers in JSON if asked to."""
    found = command(name)
    assert found.name == name
    module = import_module(f"docstore_cli.commands.{COMMANDS[name][0]}")
    commands = list(found.commands.values()) if hasattr(module, "app") else [found]
    assert COMMANDS[name][1] == found.help.splitlines()[0]
    if name not in WITHOUT_JSON:
        assert all(any("--json" in one.opts for one in each.params) for each in commands), name


def test_it_prints_its_version() -> None:
    """That of the installed package."""
    printed = CliRunner().invoke(app, ["--version"])
    assert (printed.exit_code, printed.output) == (0, f"docstore {version('docstore')}\n")


def test_help_imports_no_client_and_no_server() -> None:
    """So that it is there at once, and `docstore up` takes no memory for what others need."""
    script = (
        "import sys; from docstore_cli.main import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    modules = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout
    loaded = set(modules.split())
    assert not loaded & {"aiohttp", "pydantic", "docstore_client", "docstore_standalone", "rich.console"}


def test_the_shell_completes_names(tmp_path: Path) -> None:
    """Of commands and options; and `--install-completion` puts it where the shell finds it."""
    docstore = Path(sys.executable).with_name("docstore")
    words = {"_DOCSTORE_COMPLETE": "complete_bash", "COMP_WORDS": "docstore li", "COMP_CWORD": "1", "PATH": "/usr/bin"}
    answer = subprocess.run([docstore], env=words, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert answer.split() == ["link", "links"]
    words |= {"COMP_WORDS": "docstore put --f", "COMP_CWORD": "2"}
    answer = subprocess.run([docstore], env=words, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert answer.split() == ["--force"]
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    subprocess.run([docstore, "--install-completion", "bash"], env=home, stdout=subprocess.PIPE, check=True)
    assert "_DOCSTORE_COMPLETE" in (tmp_path / ".bash_completions" / "docstore.sh").read_text()
    assert "docstore.sh" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ApiError(409, "name_taken", "taken"), 1),
        (ApiError(401, "unauthorized", "no"), 3),
        (ApiError(404, "not_found", "nothing"), 4),
        (ApiError(507, "over_quota", "full"), 5),
        (ApiError(503, "unavailable", "later"), 6),
        (Unreachable("nobody there"), 6),
        (StoreError(503, "busy"), 6),
        (StoreError(403, "no"), 1),
        (ContentDiffers("other bytes"), 1),
        (FileNotFoundError(2, "No such file", "x"), 4),
        (PermissionError(13, "no", "x"), 1),
    ],
)
def test_an_error_is_one_line_and_a_status(error: Any, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """With a code in brackets at its end, whatever the text of the error is."""
    error.args = (*error.args[:-1], f"{error.args[-1]}") if isinstance(error, OSError) else error.args
    assert status_of(error) == ended_by(error, "a\nb").exit_code == status
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert printed.rstrip().endswith(")")


def test_names_and_sizes_are_safe_and_short() -> None:
    """What would move the cursor or turn the text around is replaced."""
    assert shown("a\x1b[31mb\u202etxt\n") == "a\ufffd[31mb\ufffdtxt\ufffd"
    assert [size_text(size) for size in (0, 1023, 1024, 5 << 20, 3 << 40)] == [
        "0 B",
        "1023 B",
        "1.0 KB",
        "5.0 MB",
        "3.0 TB",
    ]


@pytest.mark.parametrize("text", ["", "7", "-1d", "tomorrow", "2026-05-01T12:00:00", "99999999999d"])
def test_an_end_that_is_none_is_refused(text: str) -> None:
    """A time needs its zone, a span its unit."""
    with pytest.raises(typer.BadParameter):
        moment(text, NOW, "--expires")


def test_an_end_is_a_time_or_a_span() -> None:
    """Spans count from now."""
    assert moment("7d", NOW, "--expires") == NOW + timedelta(days=7)
    assert moment("7d", NOW, "--since", back=True) == NOW - timedelta(days=7)
    assert moment("2026-05-01T14:00:00+02:00", NOW, "--expires") == NOW


def test_a_folder_is_sent_without_what_is_no_file(tmp_path: Path) -> None:
    """Links in it are left out, so that no loop is walked; a link that is named itself is followed."""
    (tmp_path / "real" / "empty").mkdir(parents=True)
    (tmp_path / "real" / "a").write_text("a")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "link").symlink_to(tmp_path / "real" / "a")
    (tmp_path / "named").symlink_to(tmp_path / "real")
    tree = scan(tmp_path / "named")
    assert [names for _, names in tree.files] == [("a",)]
    assert tree.empty_folders == [("empty",)]
    assert [path.name for path in tree.left_out] == ["link", "loop"]


def test_a_word_that_is_no_command_is_wrong_usage() -> None:
    """Status 2, with what may have been meant."""
    outcome = CliRunner().invoke(app, ["serach"])
    assert outcome.exit_code == 2
    assert "'search'" in outcome.output
