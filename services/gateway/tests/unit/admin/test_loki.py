"""Search in logs that Loki has collected, against a server that evaluates the filters of a query."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from docstore_gateway.admin.logs import LogFilter, LogService
from docstore_gateway.admin.loki import Loki
from docstore_platform.errors import Unavailable

BEGIN = datetime(2026, 11, 23, 10, tzinfo=UTC)
NOW = BEGIN + timedelta(hours=1)
SELECTOR = '{namespace="docstore"}'
FILTER = re.compile(r'(\|[=~]) ("(?:[^"\\\\]|\\\\.)*")')


def line(minute: int, event: str, **fields: Any) -> str:
    at = (BEGIN + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    return json.dumps({"timestamp": at, "level": "info", "event": event, **fields})


LINES = [
    line(1, "request", service="gateway", trace_id="aa", path="/v1/files"),
    "Traceback (most recent call last):",
    line(3, "rebuild_waits", logger="docstore_indexer.rebuild", level="warning"),
    line(5, "request", service="gateway", trace_id="bb", path='/v1/"Über'),
    line(7, "reserved", service="quota", trace_id="aa"),
]


@dataclass
class FakeLoki:
    """One stream; dates a line two seconds after its service did."""

    lines: list[str] = field(default_factory=lambda: list(LINES))
    requests: list[web.Request] = field(default_factory=list)
    status: int = 200
    url: str = ""

    async def query_range(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        if self.status != 200:
            return web.Response(status=self.status, text="too many outstanding requests")
        query, asked = request.query["query"], request.query
        assert query.startswith(SELECTOR)
        assert asked["direction"] == "backward"
        filters = [(kind, json.loads(text)) for kind, text in FILTER.findall(query)]
        values = []
        for number, text in enumerate(self.lines):
            at = int((BEGIN + timedelta(minutes=2 * number + 1, seconds=2)).timestamp()) * 10**9
            is_wanted = all(value in text if kind == "|=" else re.search(value, text) for kind, value in filters)
            if is_wanted and int(asked["start"]) <= at < int(asked["end"]):
                values.append([str(at), text])
        newest = values[::-1][: int(asked["limit"])]
        return web.json_response({"status": "success", "data": {"result": [{"stream": {}, "values": newest}]}})


@pytest.fixture
async def loki() -> AsyncIterator[FakeLoki]:
    fake, app = FakeLoki(), web.Application()
    app.router.add_get("/loki/api/v1/query_range", fake.query_range)
    async with TestServer(app) as server:
        fake.url = str(server.make_url("/"))
        yield fake


def service(loki: FakeLoki, **more: Any) -> LogService:
    return LogService(Loki(loki.url, SELECTOR, timedelta(days=1), clock=lambda: NOW, **more))


async def found(loki: FakeLoki, limit: int = 50, **wanted: Any) -> list[str]:
    page = await service(loki).search(LogFilter(**wanted), limit)
    return [item["event"] for item in page["items"]]


async def test_lines_of_all_services_are_found_newest_first(loki: FakeLoki) -> None:
    """What is no log line is left out; older ones than the search reaches may exist."""
    page = await service(loki).search(LogFilter(), 50)
    assert [item["event"] for item in page["items"]] == ["reserved", "request", "rebuild_waits", "request"]
    assert page["is_complete"] is False
    assert page["items"][0]["at"] == "2026-11-23T10:07:00Z"


async def test_filters_narrow_the_lines(loki: FakeLoki) -> None:
    """In Loki: by trace, by service, also where only the logger names it, by level and text, with quotes in it."""
    assert await found(loki, trace_id="aa") == ["reserved", "request"]
    assert await found(loki, service="indexer") == ["rebuild_waits"]
    assert await found(loki, level="warning") == ["rebuild_waits"]
    assert await found(loki, contains="/V1/FILES") == ["request"]
    assert await found(loki, contains='"rebuild_w') == ["rebuild_waits"]
    assert await found(loki, trace_id='aa" } or {a="b') == []
    assert await found(loki, contains="no(such[line") == []


async def test_the_next_page_follows_the_last_line(loki: FakeLoki) -> None:
    """Though Loki dates lines later than the services do; a page that its filters thin out is filled."""
    loki.lines = [line(2 * number + 1, f"event {number}", level="info") for number in range(9)]
    loki.lines[6] = "no line of ours"
    pages, before = [], None
    while page := (await service(loki).search(LogFilter(before=before), 3))["items"]:
        pages.append([item["event"] for item in page])
        before = datetime.fromisoformat(page[-1]["at"])
    assert pages == [["event 8", "event 7", "event 5"], ["event 4", "event 3", "event 2"], ["event 1", "event 0"]]


async def test_user_and_tenant_are_sent(loki: FakeLoki) -> None:
    """The user by the URL, as a Loki behind a proxy asks for it."""
    loki.url = loki.url.replace("//", "//ada:secret@")
    await service(loki, tenant="docs").search(LogFilter(), 5)
    request = loki.requests[0]
    assert request.headers["authorization"] == "Basic YWRhOnNlY3JldA=="
    assert request.headers["x-scope-orgid"] == "docs"


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_a_loki_that_refuses_is_unavailable(loki: FakeLoki, status: int) -> None:
    """As one that does not answer is, and one that answers something else."""
    loki.status = status
    with pytest.raises(Unavailable):
        await found(loki)
    with pytest.raises(Unavailable):
        await LogService(Loki("http://127.0.0.1:9", SELECTOR, timedelta(days=1))).search(LogFilter(), 5)
