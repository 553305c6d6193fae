"""Commands that run until Ctrl-C continue after an outage."""

from collections.abc import Sequence

import pytest
from fake_server import FakeServer, Reply, a_file, refusal
from typer.testing import CliRunner

from docstore_cli.main import app
from docstore_client import Options

CHANGE = {"seq": 1, "type": "created", "file": a_file("new", "/new.txt")}
PAGE = Reply({"changes": [CHANGE], "cursor": "2", "has_more": False})
ME = Reply({})
EVENT = Reply(b"event: event\ndata: {}\n\n")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried again by the connection, and the command's own pauses are short."""
    monkeypatch.setattr("docstore_cli.sessions.session.OPTIONS", Options(tries=1))
    monkeypatch.setattr("docstore_cli.outage.PAUSE_SECONDS", 0.0)


BY_A_PROXY = [Reply(b"<html>\nNot from here.</html>", 403), Reply(b"<html>Who are you?</html>", 407)]


@pytest.mark.parametrize(
    ("command", "route", "answer"),
    [
        ("watch --json", "GET /v1/changes", PAGE),
        ("admin events --json", "GET /v1/me", ME),
        ("admin events --json", "GET /v1/admin/events", EVENT),
    ],
)
def test_refusals_of_a_proxy_are_retried(command: str, route: str, answer: Reply, server: FakeServer) -> None:
    """An outage is shown, and the call retried. DocStore's own refusal ends the command."""
    server.replies |= {"GET /v1/me": [ME], "GET /v1/admin/events": [EVENT]}
    server.replies[route] = [*BY_A_PROXY, answer, answer, refusal(403)]
    outcome = CliRunner().invoke(app, command.split())
    assert outcome.exit_code == 1
    assert len(outcome.stdout.splitlines()) == 2, outcome.stderr
    line = "the response with status 403 is not from DocStore: <html> Not from here.</html>; trying"
    assert outcome.stderr.count(line) == 1
    assert "(code_403)" in outcome.stderr


@pytest.mark.parametrize(
    ("command", "replies", "shown"),
    [
        ("watch", {"GET /v1/changes": [refusal(503), refusal(503), PAGE, refusal(429), PAGE, refusal(403)]}, "new.txt"),
        ("admin events --json", {"GET /v1/me": [refusal(503), refusal(503), ME, ME, refusal(403)]}, '"event":"event"'),
        (
            "admin events --json",
            {"GET /v1/admin/events": [refusal(503), refusal(503), EVENT, EVENT, refusal(403)]},
            '"event":"event"',
        ),
    ],
)
def test_an_outage_is_waited_for(
    command: str, replies: dict[str, Sequence[Reply]], shown: str, server: FakeServer
) -> None:
    """Also one that the gateway reports; it is shown once. A permanent error ends the command."""
    server.replies |= {"GET /v1/me": [ME], "GET /v1/admin/events": [EVENT]}
    server.replies |= {route: list(answers) for route, answers in replies.items()}
    outcome = CliRunner().invoke(app, command.split())
    assert outcome.exit_code == 1
    assert outcome.stdout.count(shown) == 2, outcome.stderr
    assert outcome.stderr.count("(code_503); trying again") == 1
    assert "(code_403)" in outcome.stderr
