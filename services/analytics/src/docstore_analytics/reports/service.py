"""Use cases of reports: figures and top files from counts; usage and access from the archive."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import orjson

from docstore_analytics.archive.repository import ArchiveRepository
from docstore_analytics.archive.rules import Segment
from docstore_analytics.processes.framing import join_parts
from docstore_analytics.processes.runner import run_child
from docstore_analytics.reports.repository import FigureRepository
from docstore_analytics.reports.rules import STEPS, Step, running_total, start_of, steps_between
from docstore_platform.clock import rfc3339, utc_now
from docstore_platform.errors import DomainError, invalid

PROCESS = "docstore_analytics.reports.query_process"
MAX_POINTS = 2000
MAX_SEGMENTS = 2000
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
CALLS_PUBLISHED_WITHIN = timedelta(days=1)
"""A later event contains a call: a second later, or when the gateway's database is available again."""

Unit = Literal["count", "bytes"]
Kind = Literal["added", "level", "average"]


@dataclass(frozen=True, slots=True)
class Series:
    """A figure over time: what each hour or day added, or the level at its end."""

    figure: str
    unit: Unit
    kind: Kind
    about: str


SERIES: Mapping[str, Series] = {
    "accounts": Series("accounts", "count", "level", "accounts by plan"),
    "documents": Series("documents", "count", "level", "documents kept, by plan"),
    "storage": Series("bytes", "bytes", "level", "bytes of all versions kept, by plan"),
    "average-size": Series("bytes", "bytes", "average", "bytes a document, by plan"),
    "uploads": Series("uploads", "count", "added", "completed uploads by plan"),
    "uploaded-bytes": Series("uploaded_bytes", "bytes", "added", "bytes of completed uploads by plan"),
    "failed-uploads": Series("uploads_failed", "count", "added", "uploads that expired or were aborted"),
    "downloads": Series("downloads", "count", "added", "downloads started, by the downloader's plan or by link"),
    "downloaded-bytes": Series(
        "downloaded_bytes", "bytes", "added", "bytes of files that clients received by signed URLs, by access log"
    ),
    "shares": Series("shares", "count", "added", "shares made, with people and by link"),
    "link-opens": Series("link_opens", "count", "added", "opens of public links"),
    "sign-ups": Series("sign_ups", "count", "added", "new accounts"),
    "log-ins": Series("log_ins", "count", "added", "log-ins"),
    "calls": Series("calls", "count", "added", "calls in the audit log by status"),
    "notifications": Series("notifications", "count", "added", "messages sent by channel"),
}
TOPS: Mapping[str, str] = {"most-shared": "shared", "most-downloaded": "downloads"}
FROM_ARCHIVE = ("usage", "access")
NAMES = (*SERIES, *TOPS, *FROM_ARCHIVE)


class Downloads(Protocol):
    async def download(self, key: str, path: Path, max_bytes: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` (inclusive) to `end` (exclusive), in hours or days."""

    begin: datetime
    end: datetime
    step: Step

    def check(self) -> None:
        """422 for a period that can't be shown."""
        if self.begin >= self.end:
            raise invalid("`from` must be before `to`.", "invalid_period")
        if (self.end - self.begin) / STEPS[self.step] > MAX_POINTS:
            raise invalid(f"A report has at most {MAX_POINTS} points: choose a longer step.", "invalid_period")


class ReportService:
    def __init__(
        self,
        figures: FigureRepository,
        archive: ArchiveRepository,
        objects: Downloads,
        *,
        child_memory: int,
        child_seconds: float,
        query_bytes: int,
    ) -> None:
        self._figures = figures
        self._archive = archive
        self._objects = objects
        self._memory = child_memory
        self._run = partial(run_child, PROCESS, seconds=child_seconds)
        self._query_bytes = query_bytes
        self._one_at_a_time = asyncio.Lock()

    async def series(self, name: str, period: Period) -> dict[str, Any]:
        """Return one line for each dimension, with a point for every hour or day."""
        period.check()
        series = SERIES[name]
        times = list(steps_between(period.step, period.begin, period.end))
        lines = await self._lines(series.figure, times, period, level=series.kind != "added")
        if series.kind == "average":
            documents = await self._lines("documents", times, period, level=True)
            lines = {by: _divided(line, documents.get(by, [])) for by, line in lines.items()}
        return {
            "name": name,
            "about": series.about,
            "unit": series.unit,
            "step": period.step,
            "from": rfc3339(period.begin),
            "to": rfc3339(period.end),
            "times": [rfc3339(time) for time in times],
            "series": [{"name": by, "values": line} for by, line in sorted(lines.items())],
        }

    async def _lines(
        self, figure: str, times: Sequence[datetime], period: Period, *, level: bool
    ) -> dict[str, list[int]]:
        places = {time: number for number, time in enumerate(times)}
        lines: dict[str, list[int]] = {}
        for row in await self._figures.figures(figure, period.step, times[0], period.end):
            for by, amount in row.amounts.items():
                lines.setdefault(by, [0] * len(times))[places[row.at]] += amount
        if not level:
            return lines
        before = await self._sum_before(figure, times[0])
        nothing = [0] * len(times)
        return {by: running_total(lines.get(by, nothing), before.get(by, 0)) for by in {*lines, *before}}

    async def _sum_before(self, figure: str, moment: datetime) -> dict[str, int]:
        """Return the level at a moment: of whole days, plus the hours of the last one."""
        day = start_of("day", moment)
        rows = await self._figures.figures(figure, "day", BEGINNING, day)
        if moment > day:
            rows += await self._figures.figures(figure, "hour", day, moment)
        sums: dict[str, int] = {}
        for row in rows:
            for by, amount in row.amounts.items():
                sums[by] = sums.get(by, 0) + amount
        return sums

    async def top(self, name: str, limit: int) -> dict[str, Any]:
        """Return the files with the most shares and links, or downloads."""
        rows = await self._figures.top_files(TOPS[name], limit)
        items = [asdict(row) for row in rows]
        return {"name": name, "items": items}

    async def from_archive(self, name: str, period: Period, limit: int) -> dict[str, Any]:
        """Compute a report with DuckDB over the archive and the pending rows."""
        if period.begin >= period.end:
            raise invalid("`from` must be before `to`.", "invalid_period")
        published_before = min(period.end, utc_now()) + CALLS_PUBLISHED_WITHIN
        async with self._one_at_a_time:  # before reading: reports that wait for their turn hold no rows
            segments, waiting = await self._snapshot(period.begin, published_before - timedelta(milliseconds=1))
            with TemporaryDirectory(prefix="docstore-report-") as folder:
                files = [await self._fetch(segment, Path(folder)) for segment in segments]
                question = {
                    "report": name,
                    "begin": rfc3339(period.begin),
                    "end": rfc3339(period.end),
                    "limit": limit,
                    "memory": self._memory,
                    "files": files,
                }
                response = await self._run(join_parts([orjson.dumps(question), *waiting]))
        items = orjson.loads(response)
        return {"name": name, "from": rfc3339(period.begin), "to": rfc3339(period.end), "items": items}

    async def _snapshot(self, begin: datetime, end: datetime) -> tuple[list[Segment], list[bytes]]:
        """Return the files and the pending rows of a report; 422 if they are too much.

        Rows are read only if they alone are not.
        """
        waiting_bytes = await self._archive.waiting_bytes(begin, end)
        if waiting_bytes > self._query_bytes:
            raise _too_much()
        segments, waiting = await self._archive.snapshot(begin, end, MAX_SEGMENTS + 1)
        if len(segments) > MAX_SEGMENTS or waiting_bytes + sum(each.size for each in segments) > self._query_bytes:
            raise _too_much()
        return segments, waiting

    async def _fetch(self, segment: Segment, folder: Path) -> str:
        path = folder / f"{segment.id}.parquet"
        await self._objects.download(segment.key, path, self._query_bytes)
        return str(path)


def _too_much() -> DomainError:
    return invalid("The period is too long for one report. Choose a shorter one.", "too_much")


def _divided(line: Sequence[int], by: Sequence[int]) -> list[int]:
    return [amount // number if number > 0 else 0 for amount, number in zip(line, by, strict=False)] or [0] * len(line)
