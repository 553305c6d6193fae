"""Logs of the services on this machine, read backwards from the end of their files."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from docstore_platform.errors import Conflict
from docstore_platform.services import SERVICE_NAMES

READ_BYTES = 8 << 20
"""Bytes of each file that are searched, from its end: bounds time and memory of a search."""
FILES = ("services.log", *(f"{name}.log" for name in SERVICE_NAMES))
LEVELS = ("debug", "info", "warning", "error", "critical")
OWN_FIELDS = ("timestamp", "service", "level", "event", "logger", "trace_id")
PACKAGE = "docstore_"


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What to find; empty or None: everything. `level`: the least one; `before`: only older lines."""

    service: str = ""
    level: str = "debug"
    trace_id: str = ""
    contains: str = ""
    before: datetime | None = None


class LogService:
    """Searches the log files in `folder`. Without one, another system collects the logs."""

    def __init__(self, folder: Path | None, read_bytes: int = READ_BYTES) -> None:
        self._folder, self._read_bytes = folder, read_bytes

    async def search(self, wanted: LogFilter, limit: int) -> dict[str, Any]:
        """Return the newest matching lines, newest first. Conflict where logs are elsewhere."""
        if self._folder is None:
            raise Conflict("The logs of this deployment are not stored here.", code="logs_not_stored")
        return await asyncio.to_thread(self._search, self._folder, wanted, limit)

    def _search(self, folder: Path, wanted: LogFilter, limit: int) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        is_complete = True
        for name in FILES:
            path = folder / name
            if path.exists():
                is_complete = is_complete and path.stat().st_size <= self._read_bytes
                found += _newest(path, wanted, limit, self._read_bytes)
        found.sort(key=itemgetter("at"), reverse=True)
        for line in found:  # all digits: `before` takes the last line's time
            line["at"] = line["at"].isoformat().replace("+00:00", "Z")
        return {"items": found[:limit], "is_complete": is_complete}


def _newest(path: Path, wanted: LogFilter, limit: int, read_bytes: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in _lines_from_end(path, read_bytes):
        if (entry := _matching(line, wanted)) is not None:
            found.append(entry)
            if len(found) == limit:
                break
    return found


def _lines_from_end(path: Path, read_bytes: int) -> Iterator[bytes]:
    """Iterate over the last lines, the last one first; a line cut off at the start is left out."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = max(0, size - read_bytes)
        file.seek(start)
        lines = file.read(read_bytes).split(b"\n")
    yield from reversed(lines[1:] if start else lines)


def _matching(line: bytes, wanted: LogFilter) -> dict[str, Any] | None:
    """Parse a line; None if it is not wanted, or is not ours. Texts are compared before the costly parsing."""
    if (
        wanted.trace_id.encode() not in line
        or wanted.contains.casefold() not in line.decode(errors="replace").casefold()
    ):
        return None
    try:
        fields = orjson.loads(line)
        entry = _entry(fields)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None  # a traceback of an interpreter, or output of a library
    is_late = wanted.before is not None and entry["at"] >= wanted.before
    is_other = (wanted.service and entry["service"] != wanted.service) or (
        wanted.trace_id and entry["trace_id"] != wanted.trace_id
    )
    is_lower = LEVELS.index(entry["level"]) < LEVELS.index(wanted.level)
    return None if is_late or is_other or is_lower else entry


def _entry(fields: dict[str, Any]) -> dict[str, Any]:
    logger = str(fields.get("logger", ""))
    of_logger = logger.partition(".")[0].removeprefix(PACKAGE) if logger.startswith(PACKAGE) else ""
    level = str(fields["level"])
    return {
        "at": datetime.fromisoformat(fields["timestamp"]),
        "service": str(fields.get("service") or of_logger),
        "level": level if level in LEVELS else "info",
        "event": str(fields["event"]),
        "trace_id": fields.get("trace_id"),
        "fields": {name: str(value) for name, value in fields.items() if name not in OWN_FIELDS},
    }
