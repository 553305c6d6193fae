"""Reports of figures and of the archive, on fakes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from analytics_events import AT
from reports_fakes import FakeArchive, FakeFigures

from docstore_analytics.reports.rules import Counts, FileCounts, Step, start_of
from docstore_analytics.reports.service import Period, ReportService
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of

UNUSED: Any = None
DAY = start_of("day", AT)


def reports(figures: FakeFigures) -> ReportService:
    return ReportService(figures, UNUSED, UNUSED, child_memory=1, child_seconds=1.0, query_bytes=1)


def period(days: float, step: Step = "day") -> Period:
    return Period(DAY, DAY + timedelta(days=days), step)


async def counted(*amounts: tuple[timedelta, str, str, int]) -> FakeFigures:
    figures, counts = FakeFigures(), Counts()
    for after, figure, plan, amount in amounts:
        counts.add(DAY + after, figure, plan, amount)
    await figures.count(counts, None)
    return figures


async def test_a_level_begins_with_what_was_there_before() -> None:
    """Days before the period count, in whole days and in the hours of the first one; each step adds to it."""
    day, hour = timedelta(days=1), timedelta(hours=1)
    figures = await counted(
        (-day, "documents", "free", 3), (hour, "documents", "free", 2), (day, "documents", "free", -1)
    )
    by_day = await reports(figures).series("documents", period(3))
    assert by_day["series"] == [{"name": "free", "values": [5, 4, 4]}]
    by_hour = await reports(figures).series("documents", Period(DAY + hour, DAY + 3 * hour, "hour"))
    assert by_hour["series"] == [{"name": "free", "values": [5, 5]}]


async def test_added_bytes_are_reported_by_step_and_plan() -> None:
    """Without what came before; 0 where nothing was added."""
    day = timedelta(days=1)
    figures = await counted((-day, "uploads", "free", 9), (day, "uploads", "free", 2), (day, "uploads", "premium", 1))
    report = await reports(figures).series("uploads", period(2))
    assert report["series"] == [{"name": "free", "values": [0, 2]}, {"name": "premium", "values": [0, 1]}]


async def test_an_average_divides_bytes_by_documents() -> None:
    """And is 0 where there are none."""
    hour = timedelta(hours=1)
    figures = await counted((hour, "bytes", "free", 10), (hour, "documents", "free", 4), (hour, "bytes", "premium", 0))
    report = await reports(figures).series("average-size", period(1))
    assert report["series"] == [{"name": "free", "values": [2]}]


@pytest.mark.parametrize("days", [0, -1, 2001])
async def test_a_period_that_can_not_be_shown_is_refused(days: int) -> None:
    """Empty, backwards, or of more points than a report has."""
    with pytest.raises(DomainError) as refused:
        await reports(FakeFigures()).series("uploads", period(days))
    assert (problem_of(refused.value).status, refused.value.code) == (422, "invalid_period")


async def test_files_with_the_most_downloads_are_listed_first() -> None:
    """Those without any are not; shares and links count together."""
    figures = FakeFigures()
    few, many = FileCounts(downloads=1, links=2), FileCounts(downloads=3, file_name="b.txt", owner_id="ann")
    await figures.count_files({"a": few, "b": many, "c": FileCounts(shares=1)}, None)
    top = await reports(figures).top("most-downloaded", 10)
    assert [(item["file_id"], item["name"], item["downloads"]) for item in top["items"]] == [
        ("b", "b.txt", 3),
        ("a", None, 1),
    ]
    shared = await reports(figures).top("most-shared", 1)
    assert [item["file_id"] for item in shared["items"]] == ["a"]


def archive_reports(archive: Any) -> ReportService:
    return ReportService(FakeFigures(), archive, UNUSED, child_memory=1, child_seconds=1.0, query_bytes=10)


async def test_too_many_pending_rows_are_refused_before_they_are_read() -> None:
    """While the archive can't be written they pile up: a report must not read them all into memory."""
    archive = FakeArchive(11)
    with pytest.raises(DomainError) as refused:
        await archive_reports(archive).from_archive("usage", period(1), 10)
    assert (refused.value.code, archive.reads) == ("too_much", 0)


async def test_reports_that_wait_for_their_turn_hold_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are requested at once, the rows of one are in memory."""
    computing, ended = asyncio.Event(), asyncio.Event()

    async def run_child(*_: Any, **__: Any) -> bytes:
        computing.set()
        await ended.wait()
        return b"[]"

    monkeypatch.setattr("docstore_analytics.reports.service.run_child", run_child)
    archive = FakeArchive(1)
    service = archive_reports(archive)
    requested = [asyncio.create_task(service.from_archive("usage", period(1), 10)) for _ in range(3)]
    await computing.wait()
    assert archive.reads == 1
    ended.set()
    await asyncio.gather(*requested)
    assert archive.reads == 3
