"""`docstore retention` shows and changes the retention policy."""

import pytest
from fake_server import FakeServer, Reply
from typer.testing import CliRunner

from docstore_cli.main import app

MOST = {"trash_days": None, "versions": 50, "version_days": None}
NOW = {"trash_days": 30, "versions": 50, "version_days": None, "is_default": True, "applies_at": None, "most": MOST}
CHOSEN = {**NOW, "trash_days": None, "versions": 9, "is_default": False, "applies_at": "2026-11-23T08:00:00Z"}
ROUTE = "/v1/me/retention"


def test_options_not_given_change_nothing(server: FakeServer) -> None:
    """The policy is sent whole; its effective date is shown."""
    server.replies |= {f"GET {ROUTE}": [Reply(NOW)], f"PUT {ROUTE}": [Reply(CHOSEN)]}
    outcome = CliRunner().invoke(app, ["retention", "--trash-days", "never", "--versions", "9"])
    assert outcome.exit_code == 0, outcome.stderr
    assert server.requested == [f"GET {ROUTE}", f"PUT {ROUTE}"]
    assert server.sent[-1] == {"trash_days": None, "versions": 9, "version_days": None}
    assert "Trashed files are deleted: never." in outcome.stdout
    assert "Takes effect 2026-11-2" in outcome.stdout


def test_it_is_shown_and_given_back(server: FakeServer) -> None:
    """Without options nothing is changed; `--default` forgets the choice."""
    server.replies |= {f"GET {ROUTE}": [Reply(NOW)], f"DELETE {ROUTE}": [Reply(NOW)]}
    for options, asked in (([], "GET"), (["--default"], "DELETE")):
        outcome = CliRunner().invoke(app, ["retention", *options])
        assert outcome.exit_code == 0, outcome.stderr
        assert server.requested[-1] == f"{asked} {ROUTE}"
        assert "Trashed files are deleted: after 30 days." in outcome.stdout


@pytest.mark.parametrize(
    "options", [["--trash-days", "soon"], ["--trash-days", "-1"], ["--default", "--versions", "3"]]
)
def test_invalid_values_are_not_sent(options: list[str], server: FakeServer) -> None:
    """Wrong usage, by its status."""
    server.replies[f"GET {ROUTE}"] = [Reply(NOW)]
    assert CliRunner().invoke(app, ["retention", *options]).exit_code == 2
    assert not any(asked.startswith(("PUT", "DELETE")) for asked in server.requested)
