"""Search in logs that CloudWatch has collected, against an independent implementation of it.

It keeps log groups and answers queries, but evaluates no filters and dates lines in milliseconds: the test does both as
Logs Insights does.
"""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import moto.logs.models as moto_logs
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.logs.logs_query import execute_query
from moto.logs.models import LogQuery, logs_backends
from moto.server import ThreadedMotoServer

from docstore_gateway.admin import cloudwatch
from docstore_gateway.admin.cloudwatch import CloudWatch
from docstore_gateway.admin.logs import LogFilter, LogService
from docstore_platform.errors import Unavailable

REGION = "us-west-2"
GROUPS = ("/docstore/services", "/docstore/gateway")
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
BEGIN = NOW - timedelta(hours=1)
"""AWS takes no lines of long ago."""
FILTER = re.compile(r"filter @message like /((?:[^/\\]|\\.)*)/")


def line(minute: int, event: str, **fields: Any) -> str:
    at = (BEGIN + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    return json.dumps({"timestamp": at, "level": "info", "event": event, **fields}, ensure_ascii=False)


LINES = [
    line(1, "request", service="gateway", trace_id="aa", path="/v1/files"),
    "Traceback (most recent call last):",
    line(3, "rebuild_waits", logger="docstore_indexer.rebuild", level="warning"),
    line(5, "request", service="gateway", trace_id="bb", path='/v1/"Über'),
    line(7, "reserved", service="quota", trace_id="aa"),
]


def insights(log_groups: Any, query: str, start_time: int, end_time: int) -> list[dict[str, Any]]:
    """Evaluate a query as Logs Insights does: moto's rows, filtered, dated and limited."""
    show, sort, limit = (part.strip() for part in re.sub(rf"{FILTER.pattern} \| ", "", query).split("|"))
    assert (show, sort) == ("fields @timestamp, @message", "sort @timestamp desc")
    rows = execute_query(log_groups, f"{show} | {sort}", start_time, end_time)
    wanted = [row for row in rows if all(re.search(text, row["@message"]) for text in FILTER.findall(query))]
    for row in wanted:
        at = datetime.fromtimestamp(int(row["@timestamp"]) / 1000, UTC)
        row["@timestamp"] = at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return wanted[: int(limit.removeprefix("limit "))]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of empty groups, each with a stream; this process has rights to them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
    monkeypatch.setattr(moto_logs, "execute_query", insights)
    logs_backends[DEFAULT_ACCOUNT_ID][REGION].reset()
    client = boto3.session.Session().client("logs", region_name=REGION)
    for group in GROUPS:
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="pod")
    return client


def collect(aws: Any, lines: list[str], group: str = GROUPS[0], apart_ms: int = 120_000) -> None:
    """Store lines, two minutes between each; CloudWatch dates them two seconds later than their service did."""
    first = int((BEGIN + timedelta(minutes=1, seconds=2)).timestamp()) * 1000
    events = [{"timestamp": first + number * apart_ms, "message": text} for number, text in enumerate(lines)]
    aws.put_log_events(logGroupName=group, logStreamName="pod", logEvents=events)


def service(**more: Any) -> LogService:
    return LogService(CloudWatch(GROUPS, REGION, timedelta(days=1), clock=lambda: NOW, **more))


async def found(limit: int = 50, **wanted: Any) -> list[str]:
    page = await service().search(LogFilter(**wanted), limit)
    return [item["event"] for item in page["items"]]


async def test_lines_of_all_groups_are_found_newest_first(aws: Any) -> None:
    """What is no log line is left out; older ones than the search reaches may exist."""
    collect(aws, LINES)
    collect(aws, [line(2, "started", service="gateway")], GROUPS[1])
    page = await service().search(LogFilter(), 50)
    assert [item["event"] for item in page["items"]] == ["reserved", "request", "rebuild_waits", "started", "request"]
    assert page["is_complete"] is False
    assert page["items"][0]["at"] == (BEGIN + timedelta(minutes=7)).isoformat().replace("+00:00", "Z")


async def test_filters_narrow_the_lines(aws: Any) -> None:
    """In CloudWatch: by trace, by service, also where only the logger names it, by level and text with quotes."""
    collect(aws, LINES)
    assert await found(trace_id="aa") == ["reserved", "request"]
    assert await found(service="indexer") == ["rebuild_waits"]
    assert await found(level="warning") == ["rebuild_waits"]
    assert await found(contains="/V1/FILES") == ["request"]
    assert await found(contains='"rebuild_w') == ["rebuild_waits"]
    assert await found(contains='\\"über') == ["request"]


async def test_a_line_of_a_services_own_logger_is_found(aws: Any) -> None:
    """That of the package itself, as of the modules in it."""
    collect(aws, [line(1, "started", logger="docstore_media"), line(2, "stopped", logger="docstore_mediation")])
    assert await found(service="media") == ["started"]


@pytest.mark.parametrize("text", ["no(such[line", "a/ | limit 1", "a\\/ | stats count(*)", "a\n| limit 1", "\\"])
async def test_a_text_stays_a_text(aws: Any, text: str) -> None:
    """Whatever ends a pattern or begins a command in the query language finds nothing, and does nothing."""
    collect(aws, LINES)
    assert await found(contains=text, service="gateway") == (["request"] if text == "\\" else [])
    assert await found(trace_id=text) == []


async def test_the_next_page_follows_the_last_line(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though CloudWatch dates lines later than the services do; a page that its answers thin out is filled."""
    monkeypatch.setattr(cloudwatch, "MAX_ROWS", 3)
    lines = [line(2 * number + 1, f"event {number}") for number in range(9)]
    lines[6] = "no line of ours"
    collect(aws, lines)
    pages, before = [], None
    while page := (await service().search(LogFilter(before=before), 3))["items"]:
        pages.append([item["event"] for item in page])
        before = datetime.fromisoformat(page[-1]["at"])
    assert pages == [["event 8", "event 7", "event 5"], ["event 4", "event 3", "event 2"], ["event 1", "event 0"]]


async def test_a_full_answer_is_continued_within_a_second(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was cut off: queries take whole seconds, and yet each line is found, once."""
    monkeypatch.setattr(cloudwatch, "MAX_ROWS", 6)
    names = [f"event {number}" for number in range(12)]
    collect(aws, [line(1, name) for name in names], apart_ms=250)
    assert sorted(await found()) == sorted(names)


async def test_a_query_that_does_not_finish_is_stopped(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account may have few at a time; also one that is being started when its caller has gone."""
    collect(aws, LINES)
    stopped: list[str] = []
    running = {"results": [], "status": "Running"}
    monkeypatch.setattr(LogQuery, "to_result_json", lambda query: running)
    source = CloudWatch(GROUPS, REGION, timedelta(days=1), clock=lambda: NOW, timeout_seconds=0.1)
    monkeypatch.setattr(source._client, "stop_query", lambda **query: stopped.append(query["queryId"]))
    with pytest.raises(Unavailable):
        await LogService(source).search(LogFilter(), 5)
    assert len(stopped) == 1

    source.timeout_seconds = 60
    starting, may_start = asyncio.Event(), threading.Event()
    start_query, loop = source._client.start_query, asyncio.get_running_loop()

    def start_late(**query: Any) -> Any:
        loop.call_soon_threadsafe(starting.set)
        may_start.wait()
        return start_query(**query)

    monkeypatch.setattr(source._client, "start_query", start_late)
    search = asyncio.create_task(LogService(source).search(LogFilter(), 5))
    await starting.wait()
    search.cancel()
    may_start.set()
    await asyncio.gather(search, return_exceptions=True)
    assert search.cancelled()
    assert len(stopped) == 2
    assert sorted(stopped) == sorted(logs_backends[DEFAULT_ACCOUNT_ID][REGION].queries)


async def test_a_group_that_cannot_be_queried_is_unavailable(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not exist, a query that failed, AWS that does not respond."""
    with pytest.raises(Unavailable):
        await LogService(CloudWatch(["/other"], REGION, timedelta(days=1))).search(LogFilter(), 5)
    monkeypatch.setattr(LogQuery, "to_result_json", lambda query: {"results": [], "status": "Failed"})
    with pytest.raises(Unavailable):
        await found()
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        await LogService(CloudWatch(GROUPS, REGION, timedelta(days=1))).search(LogFilter(), 5)
