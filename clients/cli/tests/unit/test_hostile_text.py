"""Untrusted names are shown literally, without terminal markup."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from docstore_cli.main import app
from docstore_cli.options import failed
from docstore_standalone.embedded.mailbox import store
from docstore_standalone.embedded.ses_request import Accepted

NAME = "[/x] [red]pay[/red] [link=http://evil.example]here[/link] :b:.txt"


def test_a_mail_shows_names_that_look_like_markup(tmp_path: Path) -> None:
    """A file may be called like a tag that closes nothing: the mails are shown all the same, with its whole name."""
    message = f"From: a@example.org\r\nSubject: Uploaded: {NAME}\r\n\r\n* {NAME}\r\n".encode()
    store(tmp_path / "mail", Accepted("a@example.org", ("b@example.org",), message))
    shown = CliRunner().invoke(app, ["mail", "--data", str(tmp_path)])
    assert shown.exit_code == 0, shown.exception
    assert shown.output.count("[red]pay[/red]") == 2
    assert "[link=http://evil.example]here[/link] :b:" in shown.output


def test_a_link_in_a_mail_stays_whole(tmp_path: Path) -> None:
    """However long it is, and however narrow the terminal: it can be selected, and a script can take it."""
    link = f"http://127.0.0.1:8080/verify#{'t' * 300}"
    store(tmp_path / "mail", Accepted("a@example.org", ("b@example.org",), f"Subject: x\r\n\r\n{link}\r\n".encode()))
    shown = CliRunner().invoke(app, ["mail", "--data", str(tmp_path)], env={"COLUMNS": "40"})
    assert link in shown.output.splitlines()


def test_a_refusal_shows_names_that_look_like_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason why a command failed may name a file."""
    failed(f"no such file: {NAME}")
    assert NAME in " ".join(capsys.readouterr().err.split())
