"""`docstore events republish`: accepted times and output."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from docstore_cli.commands.stack import events as events_commands
from docstore_cli.main import app

OUTCOME = {"republished": {"metadata": 2, "quota": 40}, "unreachable": []}


class FakeGateway:
    """Answers as configured and records requests."""

    def __init__(self, outcome: dict[str, Any]) -> None:
        self.outcome = outcome
        self.requested: list[Any] = []

    async def __call__(self, data: Any, method: str, path: str, body: Any = None) -> Any:
        self.requested.append((method, path, body))
        return self.outcome


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    gateway = FakeGateway(OUTCOME)
    monkeypatch.setattr(events_commands, "_as_admin", gateway)
    return gateway


def test_a_moment_reaches_the_gateway_with_its_time_zone(gateway: FakeGateway) -> None:
    """And the sum over all services is printed."""
    shown = CliRunner().invoke(app, ["events", "republish", "--since", "2026-05-01T12:00:00Z"])
    assert shown.exit_code == 0, shown.output
    assert gateway.requested == [("POST", "/v1/admin/events/republish", {"since": "2026-05-01T12:00:00+00:00"})]
    assert "42 events" in shown.output


def test_a_span_is_so_long_ago(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """2h is two hours before now."""
    monkeypatch.setattr(events_commands, "utc_now", lambda: datetime(2026, 5, 1, 12, tzinfo=UTC))
    assert CliRunner().invoke(app, ["events", "republish", "--since", "2h"]).exit_code == 0
    assert gateway.requested[0][2] == {"since": "2026-05-01T10:00:00+00:00"}


@pytest.mark.parametrize("since", ["", "yesterday", "2026-05-01T12:00:00", "2w", "99999999999d"])
def test_invalid_times_are_refused(gateway: FakeGateway, since: str) -> None:
    """A time without a zone would be someone's guess: nothing is asked of the gateway."""
    assert CliRunner().invoke(app, ["events", "republish", "--since", since]).exit_code == 2
    assert gateway.requested == []


def test_json_is_the_answer_itself(gateway: FakeGateway) -> None:
    """For scripts: nothing else on the standard output."""
    shown = CliRunner().invoke(app, ["events", "republish", "--since", "1h", "--json"])
    assert orjson.loads(shown.stdout) == OUTCOME


def test_a_service_that_was_not_reached_fails_the_command(gateway: FakeGateway) -> None:
    """The operator sees which, and a script the status."""
    gateway.outcome = {"republished": {"quota": 1}, "unreachable": ["metadata"]}
    shown = CliRunner().invoke(app, ["events", "republish", "--since", "1h"])
    assert shown.exit_code == 1
    assert "metadata" in shown.stderr
