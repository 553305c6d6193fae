"""A command continues with other items when one fails."""

import pytest
from fake_server import FakeServer, Reply, a_file, listed, refusal
from typer.testing import CliRunner

from docstore_cli.main import app

NOW = "2026-11-21T00:00:00Z"
LINKS = [{"id": one, "created_at": NOW} for one in "abc"]
FOLLOWED = [{"id": one, "file_id": "docs", "channel": "in_app", "events": ["file.created"]} for one in "abc"]


@pytest.mark.parametrize(
    ("command", "below"),
    [
        ("trash --empty", "/v1/trash"),
        ("unlink id:docs", "/v1/files/docs/links"),
        ("unfollow id:docs", "/v1/subscriptions"),
    ],
)
def test_one_failure_does_not_stop_the_others(command: str, below: str, server: FakeServer) -> None:
    """It is shown, and decides the status; the output is what was done."""
    server.replies |= {
        "GET /v1/files/docs": [Reply(a_file("docs", "/docs", kind="folder"))],
        "GET /v1/trash": [listed(*(a_file(one, f"/{one}") for one in "abc"))],
        "GET /v1/files/docs/links": [listed(*LINKS)],
        "GET /v1/subscriptions": [listed(*FOLLOWED)],
        f"DELETE {below}/a": [Reply(status=204)],
        f"DELETE {below}/b": [refusal(404)],
        f"DELETE {below}/c": [Reply(status=204)],
    }
    outcome = CliRunner().invoke(app, command.split())
    assert outcome.exit_code == 4, outcome.exception
    assert "b: No. (code_404)" in outcome.stderr
    assert server.requested[-1] == f"DELETE {below}/c"
    assert len(outcome.stdout.splitlines()) == 2
