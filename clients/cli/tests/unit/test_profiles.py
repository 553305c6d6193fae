"""Profiles: log-ins that are kept apart."""

import json
import os
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from docstore_cli.main import COMMANDS, app
from docstore_cli.sessions.session import as_person, session_file
from docstore_client import AsyncClient, Credentials


@pytest.fixture(autouse=True)
def log_ins(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two log-ins; whatever profile a test chooses, the next one has none."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCSTORE_PROFILE", "")
    monkeypatch.setenv("DOCSTORE_TOKEN", "")
    for profile, email in (("default", "ada@example.org"), ("work", "ada@work.example")):
        store = session_file(profile)
        store.path.parent.mkdir(parents=True, exist_ok=True)
        store.save(Credentials(f"http://{profile}.example", "access", "refresh", email))


def said(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, list(arguments))
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


async def _email(docstore: AsyncClient) -> str | None:
    assert docstore.credentials
    return docstore.credentials.email


@pytest.mark.parametrize("arguments", [["profiles", "--profile", "work"], ["--profile", "work", "profiles"]])
def test_a_profile_is_chosen_before_or_after_the_command(arguments: list[str]) -> None:
    """It has the log-in of its own; the default one stays as it is."""
    items = json.loads(said(*arguments, "--json"))["items"]
    assert [(each["name"], each["email"], each["current"]) for each in items] == [
        ("default", "ada@example.org", False),
        ("work", "ada@work.example", True),
    ]
    assert as_person(_email) == "ada@work.example"


def test_the_environment_chooses_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of the environment goes before it, but not before `--profile`."""
    monkeypatch.setenv("DOCSTORE_PROFILE", "work")
    assert as_person(_email) == "ada@work.example"
    monkeypatch.setenv("DOCSTORE_TOKEN", "dst_x")
    assert as_person(_email) == ""
    said("profiles", "--profile", "default")
    assert as_person(_email) == "ada@example.org"
    assert "DOCSTORE_TOKEN" not in os.environ


@pytest.mark.parametrize("name", ["../work", "a/b", ".hidden", "-x", "a" * 65])
def test_a_name_that_is_no_file_name_is_wrong_usage(name: str) -> None:
    """Status 2; nothing outside of the state folder is read."""
    assert CliRunner().invoke(app, ["profiles", f"--profile={name}"]).exit_code == 2


def test_a_wrong_name_in_the_environment_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 2, too."""
    monkeypatch.setenv("DOCSTORE_PROFILE", "../work")
    for command in (["profiles"], ["ls"], ["login", "--email", "a@b.c", "--password-stdin"]):
        outcome = CliRunner().invoke(app, command)
        assert outcome.exit_code == 2, outcome.output
        assert "can't be the name of a profile" in outcome.stderr


def test_a_profile_without_a_log_in_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 3."""
    outcome = CliRunner().invoke(app, ["ls", "--profile", "new"])
    assert outcome.exit_code == 3
    assert "docstore login --profile new" in outcome.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_a_profile(name: str) -> None:
    """Also each of a group."""
    group: Any = typer.main.get_command(app)
    found = group.get_command(None, name)
    for each in getattr(found, "commands", {"": found}).values():
        assert any("--profile" in param.opts for param in each.params), each.name


def test_sync_units_name_the_profile(tmp_path: object) -> None:
    """The system runs them without this environment."""
    unit = json.loads(said("--profile", "work", "sync", "install-service", str(tmp_path), "--print", "--json"))["unit"]
    assert " --profile work sync run " in unit
