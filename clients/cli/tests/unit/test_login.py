"""`docstore login` logs in at the home region, whichever region it is given."""

import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from docstore_cli.main import app
from docstore_cli.sessions.session import session_file

ME = {
    "id": "0190",
    "email": "ann@example.org",
    "display_name": "Ann",
    "plan": "free",
    "role": "user",
    "home_region": "us-west-2",
    "created_at": "2026-05-01T12:00:00Z",
    "usage": {"used": 1 << 20, "reserved": 0, "limit": 5 << 20, "over_quota": False},
}


class FakeRegion:
    """A gateway that sends log-ins to `home`, or takes them itself."""

    def __init__(self, closing: ExitStack) -> None:
        self.home = ""
        self.regions: list[FakeRegion] = []
        self.slow_seconds = 0.0
        self.requested: list[tuple[str, str, Any]] = []
        self.valid = "access-1"
        region = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                region.answer(self, orjson.loads(self.rfile.read(int(self.headers["content-length"]))))

            def do_GET(self) -> None:
                region.answer(self, None)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        closing.callback(thread.join)
        closing.callback(server.server_close)
        closing.callback(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        if request.path == "/healthz":
            time.sleep(self.slow_seconds)
            self._send(request, 200, {"status": "ok"})
            return
        self.requested.append((request.command, request.path, body))
        if request.path == "/v1/regions":
            self._send(request, 200, {"items": [self._item(each) for each in self.regions], "next_cursor": None})
            return
        if request.path == "/v1/sessions" and self.home:
            self._send(request, 307, {"code": "home_region", "detail": "Elsewhere."}, f"{self.home}/v1/sessions")
        elif request.path == "/v1/me" and request.headers["authorization"] != f"Bearer {self.valid}":
            self._send(request, 401, {"code": "unauthorized", "detail": "No."})
        elif request.path == "/v1/me":
            self._send(request, 200, ME)
        else:
            number = len([path for _, path, _ in self.requested if path.startswith("/v1/sessions")])
            tokens = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "account": ME}
            self._send(request, 201 if request.path == "/v1/sessions" else 200, tokens)

    def _item(self, region: "FakeRegion") -> dict[str, Any]:
        name = f"region-{self.regions.index(region)}"
        item = {"name": name, "url": region.url, "current": region is self, "reachable": True}
        return {**item, "latency_ms": None, "replication_lag_seconds": 0.0}

    def _send(self, request: BaseHTTPRequestHandler, status: int, body: Any, location: str = "") -> None:
        payload = orjson.dumps(body)
        request.send_response(status)
        request.send_header("content-length", str(len(payload)))
        if location:
            request.send_header("location", location)
        request.end_headers()
        request.wfile.write(payload)


@pytest.fixture
def regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeRegion, FakeRegion]]:
    """The home of someone, and another region."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with ExitStack() as closing:
        home, other = FakeRegion(closing), FakeRegion(closing)
        other.home = home.url
        yield home, other


def login(server: str, *options: str) -> Any:
    arguments = ["login", "--server", server, "--email", "ann@example.org", "--password-stdin", *options]
    return CliRunner().invoke(app, arguments, input="correct horse\n")


def test_a_login_elsewhere_ends_at_home(regions, tmp_path: Path) -> None:
    """The redirect is followed with the same credentials, and home is remembered, in a file for its owner only."""
    home, other = regions
    outcome = login(other.url)
    assert outcome.exit_code == 0, outcome.output
    assert home.requested == other.requested
    assert home.requested[0][2]["password"] == "correct horse"
    saved = session_file().load()
    assert saved is not None
    assert (saved.gateway, saved.access_token) == (home.url, "access-1")
    file = tmp_path / "docstore" / "session.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "correct horse" not in file.read_text()


def test_machines_are_distinguished(regions, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log-in names the host, so that another is a new device; or the given name."""
    home, _ = regions
    for host in ("desk", "laptop"):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        login(home.url)
    login(home.url, "--device", "Ann's")
    names = [body["device_name"] for _, _, body in home.requested]
    assert names == ["docstore command on desk", "docstore command on laptop", "Ann's"]


def test_tokens_are_renewed_at_home(regions) -> None:
    """An expired access token is renewed where the account lives, and the new refresh token is kept."""
    home, other = regions
    login(other.url)
    home.valid = "access-2"
    requested = len(other.requested)
    outcome = CliRunner().invoke(app, ["usage"])
    assert outcome.exit_code == 0, outcome.output
    assert "1.0 MB of 5.0 MB" in outcome.output
    assert home.requested[-2] == ("POST", "/v1/sessions/refresh", {"refresh_token": "refresh-1"})
    saved = session_file().load()
    assert saved is not None
    assert saved.refresh_token == "refresh-2"
    assert len(other.requested) == requested


def test_regions_that_send_one_in_circles_end_the_login(regions) -> None:
    """One redirect is followed, no second."""
    home, other = regions
    home.home = other.url
    outcome = login(other.url)
    assert outcome.exit_code == 1
    assert len(home.requested) == len(other.requested) == 1
    assert session_file().load() is None


def test_without_a_login_there_is_a_hint_to_log_in(regions) -> None:
    """Status 3 and what to do."""
    outcome = CliRunner().invoke(app, ["usage"])
    assert outcome.exit_code == 3
    assert "docstore login" in outcome.output
    assert "(not_logged_in)" in outcome.output


def test_regions_are_listed_by_the_way_from_here(regions) -> None:
    """The nearest first, whatever the server thinks; one that does not respond last, and nothing is logged in."""
    home, other = regions
    gone = FakeRegion.__new__(FakeRegion)
    gone.url = "http://127.0.0.1:1"
    other.regions, other.slow_seconds = [gone, other, home], 0.05
    outcome = CliRunner().invoke(app, ["regions", "--server", other.url, "--json"])
    assert outcome.exit_code == 0, outcome.output
    found = orjson.loads(outcome.output)
    assert [region["url"] for region in found] == [home.url, other.url, gone.url]
    assert found[1]["latency_from_here_ms"] >= 50
    assert found[2]["latency_from_here_ms"] is None
    assert "not reachable" in CliRunner().invoke(app, ["regions", "--server", other.url]).output
    assert session_file().load() is None


def test_the_regions_of_the_log_in_are_listed_unless_another_server_is_named(regions) -> None:
    """Whoever is logged in need not repeat the address."""
    home, _ = regions
    home.regions = [home]
    login(home.url)
    outcome = CliRunner().invoke(app, ["regions", "--json"])
    assert [region["url"] for region in orjson.loads(outcome.output)] == [home.url]


def test_a_login_chooses_the_nearest_region(regions) -> None:
    """By option; the account's home still decides where the log-in ends."""
    home, other = regions
    home.regions = [home, other]
    home.slow_seconds = 0.05
    outcome = login(home.url, "--nearest")
    assert outcome.exit_code == 0, outcome.output
    assert [path for _, path, _ in other.requested] == ["/v1/sessions"]
    saved = session_file().load()
    assert saved is not None
    assert saved.gateway == home.url
