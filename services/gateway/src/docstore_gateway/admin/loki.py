"""Logs of the services as Loki has collected them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
import structlog

from docstore_gateway.admin.logs import COLLECTED_WITHIN, Entry, LogFilter
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import unavailable

log = structlog.get_logger(__name__)

QUERY = "/loki/api/v1/query_range"
TENANT = "X-Scope-OrgID"
TIMEOUT = aiohttp.ClientTimeout(total=20)
MAX_BYTES = 32 << 20
"""Of a response."""
MAX_QUERIES = 5
"""Of one search."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Loki:
    """The streams of `selector` at `url`, which may contain user and password; no further back than `reach`."""

    url: str
    selector: str
    reach: timedelta
    tenant: str = ""
    clock: Clock = utc_now

    async def newest(self, wanted: LogFilter, limit: int) -> tuple[Sequence[Entry], bool]:
        now = self.clock()
        start = _nanoseconds(now - self.reach)
        end = _nanoseconds((wanted.before or now) + COLLECTED_WITHIN)
        query = f"{self.selector} {line_filters(wanted)}".strip()
        found: list[Entry] = []
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
                for _ in range(MAX_QUERIES):
                    lines = await self._query(session, query, start, end, limit)
                    found += [entry for _, line in lines if (entry := wanted.matching(line)) is not None]
                    if len(lines) < limit or len(found) >= limit:
                        break
                    end = min(at for at, _ in lines)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("log_search_failed", error=repr(error))
            raise unavailable("The log store") from error
        return found, len(found) < limit  # older lines than it reaches

    async def _query(
        self, session: aiohttp.ClientSession, query: str, start: int, end: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return up to `limit` lines before `end` with their times in nanoseconds, the newest ones."""
        if end <= start:
            return []
        params = {"query": query, "start": str(start), "end": str(end), "limit": str(limit), "direction": "backward"}
        headers = {TENANT: self.tenant} if self.tenant else {}
        async with session.get(self.url.rstrip("/") + QUERY, params=params, headers=headers) as response:
            body = await _bounded(response)
        if response.status != 200:
            raise ValueError(f"{response.status}: {body[:500]!r}")
        return _lines_of(orjson.loads(body))


def line_filters(wanted: LogFilter) -> str:
    """LogQL that leaves few unwanted lines; what it lets through is compared exactly afterwards.

    Lines are filtered as texts: parsing each in Loki costs more, and names of labels differ between installations.
    """
    of_trace = [f"|= {_quoted(wanted.trace_id)}"] if wanted.trace_id else []
    return " ".join([*of_trace, *(f"|~ {_quoted(pattern)}" for pattern in wanted.patterns())])


def _quoted(text: str) -> str:
    """A string of LogQL, which has Go's: those of JSON are among them."""
    return orjson.dumps(text).decode()


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_BYTES:
            raise ValueError("the response is too large")
    return body


def _lines_of(response: Any) -> list[tuple[int, bytes]]:
    try:
        return [
            (int(at), str(line).encode()) for stream in response["data"]["result"] for at, line, *_ in stream["values"]
        ]
    except (KeyError, TypeError) as error:
        raise ValueError("no response of Loki") from error


def _nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
