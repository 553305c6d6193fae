"""`docstore retrieve`."""

import json

from fake_server import FakeServer, Reply, a_file, refusal
from typer.testing import CliRunner

from docstore_cli.main import app

REQUESTED = {
    "version": 2,
    "state": "requested",
    "requested_at": "2026-11-23T08:00:00Z",
    "expected_at": "2026-11-23T13:00:00Z",
    "estimate_seconds": 18000,
}
NO_MOMENT = {"requested_at": None, "expected_at": None, "estimate_seconds": None}
AVAILABLE = REQUESTED | NO_MOMENT | {"state": "available"}


def test_files_are_requested_and_the_rest_goes_on_after_a_failure(server: FakeServer) -> None:
    """Each is shown with its state; the failure decides the status."""
    server.replies |= {f"GET /v1/files/{name}": [Reply(a_file(name, f"/{name}"))] for name in "abc"} | {
        "POST /v1/files/a/retrieval": [Reply(REQUESTED, 202)],
        "POST /v1/files/b/retrieval": [refusal(404)],
        "POST /v1/files/c/retrieval": [Reply(AVAILABLE, 202)],
    }
    outcome = CliRunner().invoke(app, ["retrieve", "--version", "2", "id:a", "id:b", "id:c"])
    assert outcome.exit_code == 4, outcome.exception
    assert "b: No. (code_404)" in outcome.stderr
    first, second = outcome.stdout.splitlines()
    assert first.startswith("id:a: requested, expected by ")
    assert second == "id:c: can be read"
    assert "POST /v1/files/a/retrieval?version=2" in server.requested
    shown = json.loads(CliRunner().invoke(app, ["retrieve", "--json", "id:a"]).stdout)
    assert [(each["path"], each["state"]) for each in shown] == [("id:a", "requested")]
