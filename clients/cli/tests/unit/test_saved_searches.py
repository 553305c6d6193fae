"""`docstore search --saved`, `--save` and `docstore saved-searches`."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from fake_server import FakeServer, Reply
from typer.testing import CliRunner

from docstore_cli.main import app

ROUTE = "/v1/me/saved-searches"
NOW = "2026-11-23T08:00:00Z"
TAXES = {
    "id": "s1",
    "name": "Taxes",
    "q": "report",
    "filters": {"in": "content", "tag": ["tax", "2026"], "metadata": {"author": "Ada"}, "modified_within_days": 7},
    "created_at": NOW,
    "modified_at": NOW,
}
NO_HITS = {"items": [], "total": 0, "mode": "name", "next_cursor": None}


def test_a_saved_search_is_run_with_all_of_its_filters(server: FakeServer) -> None:
    """A span in days ends now; other words or filters beside it are wrong usage, an unknown name too."""
    server.replies |= {f"GET {ROUTE}": [Reply({"items": [TAXES]})], "GET /v1/search": [Reply(NO_HITS)]}
    outcome = CliRunner().invoke(app, ["search", "--saved", "Taxes"])
    assert outcome.exit_code == 0, outcome.stderr
    [query] = [parse_qs(urlsplit(url).query) for url in server.requested if "/v1/search" in url]
    after = datetime.fromisoformat(query.pop("modified_after")[0])
    assert abs(datetime.now(UTC) - timedelta(days=7) - after) < timedelta(minutes=1)
    assert query == {
        "in": ["content"],
        "tag": ["tax", "2026"],
        "meta.author": ["Ada"],
        "q": ["report"],
        "limit": ["20"],
    }
    for wrong in (["--saved", "Taxes", "more"], ["--saved", "Taxes", "--tag", "x"], ["--saved", "Nothing"]):
        assert CliRunner().invoke(app, ["search", *wrong]).exit_code == 2


def test_a_search_is_saved_listed_and_deleted(server: FakeServer) -> None:
    """With a span in days as such."""
    server.replies |= {
        f"POST {ROUTE}": [Reply(TAXES, 201)],
        f"GET {ROUTE}": [Reply({"items": [TAXES]})],
        f"DELETE {ROUTE}/s1": [Reply(status=204)],
        "GET /v1/search": [Reply(NO_HITS)],
    }
    options = ["report", "--content", "--tag", "tax", "--modified-after", "7d", "--save", "Taxes"]
    outcome = CliRunner().invoke(app, ["search", *options])
    assert outcome.exit_code == 0, outcome.stderr
    filters = {"in": "content", "tag": ["tax"], "modified_within_days": 7}
    assert server.sent[-1] == {"name": "Taxes", "q": "report", "filters": filters}
    listed = CliRunner().invoke(app, ["saved-searches"])
    assert listed.stdout.startswith("Taxes\treport\tin=content tag=")
    shown = json.loads(CliRunner().invoke(app, ["saved-searches", "--json"]).stdout)
    assert shown["items"][0]["filters"] == TAXES["filters"]
    assert CliRunner().invoke(app, ["saved-searches", "--delete", "Taxes"]).exit_code == 0
    assert f"DELETE {ROUTE}/s1" in server.requested
