"""`docstore admin query` and `admin events` over networks as they are."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from fake_server import FakeServer, Reply, listed, refusal
from typer.testing import CliRunner

from docstore_cli.main import app
from docstore_cli.sessions.session import session_file
from docstore_client import Credentials
from docstore_client.network.retrying import _proxy

SQL = "SELECT id FROM events"


@pytest.fixture
def parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A file of the archive; none is kept on this machine yet."""
    import duckdb

    monkeypatch.setenv("DOCSTORE_TOOLS", str(tmp_path / "cache"))
    path = tmp_path / "one.parquet"
    event = "SELECT 'e1' AS id, 'api-called' AS type, '{\"calls\": []}' AS data"
    duckdb.execute(f"COPY ({event}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


@pytest.fixture
def through_proxy(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """The server is a proxy, the only way to a gateway and its object store."""
    session_file().save(Credentials("http://docs.example", "access", "refresh", "grace@example.org"))
    for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    _proxy.cache_clear()
    yield server
    _proxy.cache_clear()


def archived(url: str) -> Reply:
    return listed({"id": "one", "day": "2026-05-01", "bytes": 3 << 20, "url": url})


def test_a_period_with_too_much_to_read_is_refused(server: FakeServer) -> None:
    """Before anything is downloaded, with the option that raises the limit."""
    server.replies["GET /v1/admin/archive"] = [archived(f"{server.url}/one")]
    shown = CliRunner().invoke(app, ["admin", "query", SQL, "--max-scan", "2"])
    assert shown.exit_code != 0
    assert "--max-scan" in shown.stderr


def test_a_query_fetches_the_tables_that_it_names(server: FakeServer, parquet: bytes) -> None:
    """And bounds them together: the second table has what the first one leaves."""
    server.replies["GET /v1/admin/archive"] = [archived(f"{server.url}/one"), archived(f"{server.url}/one")]
    server.replies["GET /one"] = [Reply(parquet), Reply(parquet)]
    both = "SELECT count(*) AS rows FROM accesses, calls"
    refused = CliRunner().invoke(app, ["admin", "query", both, "--max-scan", "5"])
    assert "--max-scan" in refused.stderr
    assert refused.exit_code != 0
    asked = [route for route in server.requested if "/admin/archive" in route]
    assert ["table=accesses" in route for route in asked] == [True, False]


def test_a_file_of_the_archive_that_is_cut_off_is_fetched_the_next_time(server: FakeServer, parquet: bytes) -> None:
    """The error names the unreachable store, and no partial file is kept."""
    server.replies["GET /v1/admin/archive"] = [archived(f"{server.url}/one")]
    server.replies["GET /one"] = [Reply(parquet, is_cut=True), Reply(parquet)]
    first, second = [CliRunner().invoke(app, ["admin", "query", SQL, "--json"]) for _ in range(2)]
    assert first.exit_code == 6, first.exception
    assert "(unreachable)" in first.stderr
    assert orjson.loads(second.stdout) == [{"id": "e1"}]


def test_the_archive_and_the_events_come_by_the_proxy(through_proxy: FakeServer, parquet: bytes) -> None:
    """The one that is named for all commands."""
    through_proxy.replies |= {
        "GET http://docs.example/v1/me": [Reply({})],
        "GET http://docs.example/v1/admin/archive": [archived("http://store.example/one")],
        "GET http://store.example/one": [Reply(parquet)],
        "GET http://docs.example/v1/admin/events": [Reply(b"event: event\ndata: {}\n\n"), refusal(403)],
    }
    requested = CliRunner().invoke(app, ["admin", "query", SQL, "--json"])
    assert orjson.loads(requested.stdout) == [{"id": "e1"}]
    seen = CliRunner().invoke(app, ["admin", "events", "--json"])
    assert seen.stdout == '{"event":"event"}\n'
