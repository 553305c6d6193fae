"""What the space is used for: `docstore usage --by-family`, and searches sorted by size."""

import json

from fake_server import FakeServer, Reply
from typer.testing import CliRunner

from docstore_cli.main import app

FAMILIES = {
    "items": [{"family": "image", "files": 1200, "bytes": 3 << 20}, {"family": "document", "files": 2, "bytes": 10}]
}


def test_sums_are_shown_by_family(server: FakeServer) -> None:
    """A line each, in the server's order, and the same in JSON."""
    server.replies["GET /v1/me/storage/families"] = [Reply(FAMILIES), Reply(FAMILIES)]
    outcome = CliRunner().invoke(app, ["usage", "--by-family"])
    assert outcome.exit_code == 0
    assert [line.split() for line in outcome.stdout.splitlines()] == [
        ["3.0", "MB", "1,200", "image"],
        ["10", "B", "2", "document"],
    ]
    assert json.loads(CliRunner().invoke(app, ["usage", "--by-family", "--json"]).stdout) == FAMILIES
