"""Search in the log files of the services."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from docstore_gateway.admin.log_files import LogFiles
from docstore_gateway.admin.logs import LogFilter, LogService
from docstore_platform.errors import Conflict


def write(path: Path, *lines: dict[str, Any] | str) -> None:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_text(text, encoding="utf-8")


def line(minute: int, event: str, **fields: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-11-23T10:{minute:02}:00.000001Z", "level": "info", "event": event, **fields}


async def found(folder: Path, limit: int = 50, **wanted: Any) -> list[str]:
    page = await LogService(LogFiles(folder)).search(LogFilter(**wanted), limit)
    return [item["event"] for item in page["items"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Logs of two processes, with lines that are no logs."""
    write(
        tmp_path / "services.log",
        line(1, "request", service="gateway", trace_id="aa", path="/v1/files"),
        "Traceback (most recent call last):",
        line(3, "rebuild_waits", logger="docstore_indexer.rebuild", level="warning"),
        "[1, 2]",
        line(5, "request", service="gateway", trace_id="bb", path="/v1/Über"),
    )
    write(tmp_path / "quota.log", line(2, "reserved", service="quota", trace_id="aa"), line(4, "late", service="quota"))
    write(tmp_path / "services.log.1", line(0, "rotated", service="media"))
    write(tmp_path / "credentials.json", line(9, "secret"))
    return tmp_path


async def test_lines_of_all_services_are_found_newest_first(folder: Path) -> None:
    """Of all log files, those before the last rotation too, and of nothing else; what is no log line is left out."""
    assert await found(folder) == ["request", "late", "rebuild_waits", "reserved", "request", "rotated"]
    assert await found(folder, limit=2) == ["request", "late"]


async def test_filters_narrow_the_lines(folder: Path) -> None:
    """By trace, across services; by service, also where only the logger names it; by level, text and time."""
    assert await found(folder, trace_id="aa") == ["reserved", "request"]
    assert await found(folder, service="indexer") == ["rebuild_waits"]
    assert await found(folder, level="warning") == ["rebuild_waits"]
    assert await found(folder, contains="/V1/FILES") == ["request"]
    assert await found(folder, before=datetime(2026, 11, 23, 10, 3, tzinfo=UTC)) == [
        "reserved",
        "request",
        "rotated",
    ]


async def test_a_large_file_is_searched_from_its_end(folder: Path) -> None:
    """Only so many bytes of each file, without the line that is cut off; the response reports that there is more."""
    page = await LogService(LogFiles(folder, read_bytes=150)).search(LogFilter(), 50)
    assert page["is_complete"] is False
    assert "late" in {item["event"] for item in page["items"]}
    assert "rebuild_waits" not in {item["event"] for item in page["items"]}


async def test_logs_that_are_elsewhere_are_refused() -> None:
    """A deployment whose logs another system collects has none to search."""
    with pytest.raises(Conflict, match="logs_not_stored"):
        await LogService(None).search(LogFilter(), 50)
