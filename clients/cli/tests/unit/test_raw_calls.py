"""`docstore api`."""

from pathlib import Path

import orjson
import pytest
from fake_server import FakeServer, Reply, refusal
from typer.testing import CliRunner

from docstore_cli.main import app


def test_a_response_is_printed_as_json(server: FakeServer) -> None:
    """With the query as it was given."""
    server.replies["GET /v1/search"] = [Reply({"items": []})]
    outcome = CliRunner().invoke(app, ["api", "/v1/search?q=two%20words&limit=5"])
    assert orjson.loads(outcome.stdout) == {"items": []}
    assert server.requested == ["GET /v1/search?q=two%20words&limit=5"]


def test_fields_make_a_body(server: FakeServer, tmp_path: Path) -> None:
    """JSON where it is some, else text; a body makes it a POST. Or the body is a file, or stdin."""
    server.replies["POST /v1/folders"] = [Reply({"id": "1"}, 201)]
    server.replies["PATCH /v1/files/1"] = [Reply(b"", 204)]
    runner = CliRunner()
    assert runner.invoke(app, ["api", "/v1/folders", "-f", "path=/a", "-f", 'tags=["x"]', "-f", "n=1"]).exit_code == 0
    (tmp_path / "body.json").write_bytes(b'{"path": "/b"}')
    assert runner.invoke(app, ["api", "/v1/folders", "--input", str(tmp_path / "body.json")]).exit_code == 0
    assert runner.invoke(app, ["api", "/v1/folders", "--input", "-"], input=b'{"path": "/c"}').exit_code == 0
    assert server.sent == [{"path": "/a", "tags": ["x"], "n": 1}, {"path": "/b"}, {"path": "/c"}]


def test_a_call_without_a_response_prints_nothing(server: FakeServer) -> None:
    """As one that deletes."""
    server.replies["DELETE /v1/files/1"] = [Reply(b"", 204)]
    outcome = CliRunner().invoke(app, ["api", "/v1/files/1", "-X", "delete"])
    assert (outcome.exit_code, outcome.stdout) == (0, "")


def test_an_error_has_its_status(server: FakeServer) -> None:
    """As every command's."""
    server.replies["GET /v1/files/none"] = [refusal(404)]
    outcome = CliRunner().invoke(app, ["api", "/v1/files/none"])
    assert outcome.exit_code == 4
    assert "code_404" in outcome.stderr


@pytest.mark.parametrize(
    "arguments",
    [["https://elsewhere/v1/me"], ["/metrics"], ["/v1/a", "-f", "novalue"], ["/v1/a", "-f", "a=1", "--input", "x"]],
)
def test_what_is_no_call_is_refused(server: FakeServer, arguments: list[str]) -> None:
    """The token goes to the server of the log-in only."""
    outcome = CliRunner().invoke(app, ["api", *arguments])
    assert (outcome.exit_code, server.requested) == (2, [])


def test_a_body_that_is_no_json_is_refused(server: FakeServer) -> None:
    """Before it is sent."""
    outcome = CliRunner().invoke(app, ["api", "/v1/folders", "--input", "-"], input=b"{")
    assert (outcome.exit_code, server.requested) == (2, [])
