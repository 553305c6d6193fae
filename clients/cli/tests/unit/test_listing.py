"""`docstore ls`: order and contents."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_server import FakeServer, Reply, a_file, listed
from typer.testing import CliRunner

from docstore_cli.main import app


def query_of(server: FakeServer, *options: str) -> dict[str, str]:
    """What the API is asked of a folder."""
    server.replies["GET /v1/files/work"] = [Reply(a_file("work", "/work", kind="folder"))]
    server.replies["GET /v1/files"] = [listed(a_file("b", "/work/b.txt"))]
    outcome = CliRunner().invoke(app, ["ls", "id:work", *options])
    assert (outcome.exit_code, outcome.output) == (0, "b.txt\n")
    requested = {name: values[0] for name, values in parse_qs(urlsplit(server.requested[-1]).query).items()}
    assert requested.pop("parent_id") == "work"
    return {name: value for name, value in requested.items() if name != "limit"}


def test_a_folder_is_listed_as_people_expect(server: FakeServer) -> None:
    """Folders first, then names without case and with numbers by their value; other orders, and downwards, if asked."""
    assert query_of(server) == {"sort": "natural", "order": "asc"}
    for sort in ("created", "modified", "size"):
        assert query_of(server, "--sort", sort, "--reverse") == {"sort": sort, "order": "desc"}
    assert query_of(server, "--sort", "name", "-r") == {"sort": "natural", "order": "desc"}


def test_a_folder_is_filtered(server: FakeServer) -> None:
    """By tag, type, the beginning of the name and times, which may be so long ago."""
    requested = query_of(
        server, "--tag", "tax", "--type", "image/*", "--prefix", "IMG", "--modified-before", "2026-05-01T12:00:00Z",
        "--created-after", "7d",
    )  # fmt: skip
    since = datetime.now(UTC) - timedelta(days=7) - datetime.fromisoformat(requested.pop("created_after"))
    assert timedelta(0) <= since < timedelta(minutes=5)
    before = requested.pop("modified_before")
    assert datetime.fromisoformat(before) == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert requested == {"sort": "natural", "order": "asc", "tag": "tax", "type": "image/*", "prefix": "IMG"}


@pytest.mark.parametrize("options", [("--sort", "colour"), ("--created-after", "soon"), ("--modified-after", "2026")])
def test_contradictory_options_are_refused(server: FakeServer, options: tuple[str, str]) -> None:
    """Before anything is asked."""
    outcome = CliRunner().invoke(app, ["ls", *options])
    assert (outcome.exit_code, server.requested) == (2, [])
    assert options[0] in outcome.output


def test_folders_below_are_listed_by_path(server: FakeServer) -> None:
    """Each after its own line; a filter leaves lines out, not the folders that have what it is for."""
    server.replies["GET /v1/files/work"] = [Reply(a_file("work", "/work", kind="folder"))]
    folder, inner = a_file("sub", "/work/sub", kind="folder"), a_file("in", "/work/sub/in.txt")
    other = a_file("b", "/work/b.txt")
    server.replies["GET /v1/files"] = [listed(folder, other), listed(inner)]
    outcome = CliRunner().invoke(app, ["ls", "-R", "id:work"])
    assert (outcome.exit_code, outcome.output) == (0, "sub/\nsub/in.txt\nb.txt\n")
    server.replies["GET /v1/files"] = [listed(folder, other), listed(), listed(inner), listed(inner)]
    outcome = CliRunner().invoke(app, ["ls", "-R", "id:work", "--prefix", "in"])
    assert (outcome.exit_code, outcome.output) == (0, "sub/in.txt\n")
