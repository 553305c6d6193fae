"""`docstore doctor`: findings and what to do about them."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from fake_server import FakeServer, Reply, refusal
from typer.testing import CliRunner

from docstore_cli.main import app

ME = {
    "id": "grace", "email": "grace@example.org", "display_name": "Grace", "plan": "free", "role": "user",
    "home_region": "here", "created_at": "2026-11-21T00:00:00Z",
    "usage": {"used": 0, "reserved": 0, "limit": 10, "over_quota": False},
}  # fmt: skip


def found(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status, and the checks by name."""
    outcome = CliRunner().invoke(app, ["doctor", "--json", *arguments])
    return outcome.exit_code, {check["name"]: check for check in orjson.loads(outcome.stdout)}


def healthy(server: FakeServer) -> None:
    server.replies["GET /readyz"] = [Reply({"status": "ok"})]
    server.replies["GET /v1/me"] = [Reply(ME)]
    store_at(server, server.url)


def store_at(server: FakeServer, url: str) -> None:
    """Let the policy of the web page name a store; there, a request without signature is refused."""
    policy = f"default-src 'none'; connect-src 'self' {url}; form-action 'self' {url}; base-uri 'none'"
    page = Reply(b"<html>", headers={"Content-Security-Policy": policy})
    server.replies["GET /"] = [page, refusal(403)]


def test_all_is_well(server: FakeServer) -> None:
    """Server, clock, log-in and object store; the store may refuse a request without signature. Nothing is stored."""
    healthy(server)
    status, checks = found()
    assert (status, list(checks)) == (0, ["server", "clock", "log-in", "object store"])
    assert checks["log-in"]["detail"] == "grace@example.org"
    assert checks["object store"]["detail"] == f"{server.url} responded with 403"
    assert {route.partition(" ")[0] for route in server.requested} == {"GET"}
    healthy(server)
    shown = CliRunner().invoke(app, ["doctor"])
    assert (shown.exit_code, shown.stdout.count("ok")) == (0, 4)


def test_an_ended_log_in_is_found(server: FakeServer) -> None:
    """The advice is the command that helps."""
    healthy(server)
    server.replies["GET /v1/me"] = [refusal(401)]
    status, checks = found()
    assert (status, checks["log-in"]["ok"]) == (1, False)
    assert checks["log-in"]["advice"] == f"Run `docstore login --server {server.url}`."


def test_a_full_account_is_found(server: FakeServer) -> None:
    """Uploads would fail."""
    healthy(server)
    full = ME | {"usage": {"used": 11, "reserved": 0, "limit": 10, "over_quota": True}}
    server.replies["GET /v1/me"] = [Reply(full)]
    assert "over quota" in found()[1]["log-in"]["detail"]


def test_a_store_that_can_not_be_reached_is_found(server: FakeServer) -> None:
    """Commands would list files and transfer none."""
    healthy(server)
    store_at(server, "http://127.0.0.1:9")
    status, checks = found()
    assert (status, checks["object store"]["ok"]) == (1, False)
    assert "http://127.0.0.1:9" in checks["object store"]["detail"]


@pytest.mark.usefixtures("server")
def test_a_server_that_does_not_respond_is_found() -> None:
    """Nothing else is checked then."""
    status, checks = found("--server", "http://127.0.0.1:9")
    assert (status, list(checks)) == (1, ["server"])


def test_no_log_in_is_found(tmp_path: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server and the object store may be well all the same."""
    healthy(server)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    status, checks = found("--server", server.url)
    assert status == 1
    assert {name: check["ok"] for name, check in checks.items()} == {
        "server": True, "clock": True, "log-in": False, "object store": True,
    }  # fmt: skip
