"""Logs of the services as CloudWatch Logs has collected them, by queries of Logs Insights."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from docstore_gateway.admin.logs import COLLECTED_WITHIN, Entry, LogFilter
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import unavailable

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 20.0
"""Of one query."""
POLL_SECONDS = 0.3
MAX_ROWS = 2_000
"""Of a query's response."""
MAX_QUERIES = 5
"""Of one search."""
CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
UNFINISHED = frozenset({"Scheduled", "Running"})
Row = tuple[datetime, bytes]
"""When CloudWatch dates a line, and the line."""


@dataclass(slots=True)
class CloudWatch:
    """The log groups `groups` of `region`; no further back than `reach`. Rights and keys are those of the machine."""

    groups: Sequence[str]
    region: str
    reach: timedelta
    clock: Clock = utc_now
    timeout_seconds: float = TIMEOUT_SECONDS
    _client: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = boto3.session.Session().client("logs", region_name=self.region, config=CONFIG)

    async def newest(self, wanted: LogFilter, limit: int) -> tuple[Sequence[Entry], bool]:
        now = self.clock()
        start, end = now - self.reach, (wanted.before or now) + COLLECTED_WITHIN
        query = insights_query(wanted)
        found: list[Entry] = []
        try:
            for _ in range(MAX_QUERIES):
                rows = await self._rows(query, start, end)
                lines, end = _page(rows, start, end)
                found += [entry for _, line in lines if (entry := wanted.matching(line)) is not None]
                if len(found) >= limit:
                    break
        except (ClientError, BotoCoreError, TimeoutError, ValueError) as error:
            log.warning("log_search_failed", error=repr(error))
            raise unavailable("The log store") from error
        return found, len(found) < limit  # older lines than it reaches

    async def _rows(self, query: str, start: datetime, end: datetime) -> list[Row]:
        """Return up to MAX_ROWS lines before `end`, the newest ones. TimeoutError if it takes too long."""
        if end <= start:
            return []
        starting = asyncio.ensure_future(
            _in_thread(
                self._client.start_query,
                logGroupNames=list(self.groups),
                startTime=int(start.timestamp()),
                endTime=int(end.timestamp()),
                queryString=query,
            )
        )
        try:
            async with asyncio.timeout(self.timeout_seconds):
                started = await asyncio.shield(starting)
                response = await self._finished(started["queryId"])
        except (TimeoutError, asyncio.CancelledError):
            await self._stop(starting)
            raise
        if response["status"] != "Complete":
            raise ValueError(f"the query ended as {response['status']}")
        return [_row(fields) for fields in response["results"]]

    async def _stop(self, starting: asyncio.Future[Any]) -> None:
        """Stop a query, also one that is being started: an account may have few at a time."""
        with suppress(ClientError, BotoCoreError):
            started = await starting
            await _in_thread(self._client.stop_query, queryId=started["queryId"])

    async def _finished(self, query_id: str) -> Any:
        while True:
            response = await _in_thread(self._client.get_query_results, queryId=query_id)
            if response["status"] not in UNFINISHED:
                return response
            await asyncio.sleep(POLL_SECONDS)


def insights_query(wanted: LogFilter) -> str:
    """Return a query of few unwanted lines; what it lets through is compared exactly afterwards.

    Lines are filtered as texts: which fields CloudWatch finds in them depends on how they were collected.
    """
    patterns = [re.escape(wanted.trace_id)] if wanted.trace_id else []
    patterns += wanted.patterns()
    filters = [f"filter @message like /{_quoted(pattern)}/" for pattern in patterns]
    return " | ".join(["fields @timestamp, @message", *filters, "sort @timestamp desc", f"limit {MAX_ROWS}"])


def _quoted(pattern: str) -> str:
    """Return the pattern as it stands between slashes. No line contains a line end, so none is looked for."""
    return re.sub(r"\\?[\x00-\x1f\x7f]", ".", pattern).replace("/", r"\/")


def _page(rows: Sequence[Row], start: datetime, end: datetime) -> tuple[Sequence[Row], datetime]:
    """Return the lines of a response that are before `end`, and where the next query ends; `start`: there is none.

    The bounds of queries are whole seconds, and included: lines of the second in which a full response was cut off
    are left to the next query. Of a second with more lines than a response has, the rest is skipped.
    """
    lines = [row for row in rows if row[0] < end]
    if len(rows) < MAX_ROWS:
        return lines, start
    oldest = min(at for at, _ in rows).replace(microsecond=0)
    next_end = oldest + timedelta(seconds=1)
    whole = [row for row in lines if row[0] >= next_end]
    return (whole, next_end) if whole else (lines, oldest)


async def _in_thread(call: Callable[..., Any], **parameters: Any) -> Any:
    return await asyncio.to_thread(call, **parameters)


def _row(fields: Sequence[dict[str, str]]) -> Row:
    values = {field["field"]: field.get("value", "") for field in fields}
    at = datetime.fromisoformat(values.get("@timestamp", "")).replace(tzinfo=UTC)
    return at, values.get("@message", "").encode()
