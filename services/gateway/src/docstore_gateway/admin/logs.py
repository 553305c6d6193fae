"""Search in the logs of all services: in the stack's files, or where another system has collected them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Protocol

import orjson

from docstore_platform.errors import Conflict

LEVELS = ("debug", "info", "warning", "error", "critical")
OWN_FIELDS = ("timestamp", "service", "level", "event", "logger", "trace_id")
PACKAGE = "docstore_"
COLLECTED_WITHIN = timedelta(seconds=10)
"""A system that collects logs may date a line by when it did: so much later than the service that wrote it."""
Entry = dict[str, Any]
"""A line as a response has it; `at` is a datetime."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What to find; empty or None: everything. `level`: the least one; `before`: only older lines."""

    service: str = ""
    level: str = "debug"
    trace_id: str = ""
    contains: str = ""
    before: datetime | None = None

    def patterns(self) -> list[str]:
        """Return regular expressions of which every wanted line contains each; the trace id is not among them.

        They are for the search of another system, which takes lines as texts: what it finds is still to be matched.
        """
        patterns = []
        if self.service:
            service = re.escape(self.service)
            patterns.append(f'"service": ?"{service}"|"logger": ?"{PACKAGE}{service}[."]')
        if self.level != LEVELS[0]:
            patterns.append(f'"level": ?"({"|".join(LEVELS[LEVELS.index(self.level) :])})"')
        if self.contains:
            patterns.append(f"(?i){re.escape(self.contains)}")
        return patterns

    def matching(self, line: bytes) -> Entry | None:
        """Parse a line; None if it is not wanted, or is not ours. Texts are compared before the costly parsing."""
        is_of_trace = self.trace_id.encode() in line
        if not is_of_trace or self.contains.casefold() not in line.decode(errors="replace").casefold():
            return None
        try:
            entry = _entry(orjson.loads(line))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None  # a traceback of an interpreter, or output of a library
        is_late = self.before is not None and entry["at"] >= self.before
        is_other = (self.service and entry["service"] != self.service) or (
            self.trace_id and entry["trace_id"] != self.trace_id
        )
        is_lower = LEVELS.index(entry["level"]) < LEVELS.index(self.level)
        return None if is_late or is_other or is_lower else entry


class LogSource(Protocol):
    """Where logs are."""

    async def newest(self, wanted: LogFilter, limit: int) -> tuple[Sequence[Entry], bool]:
        """Return up to `limit` matching lines or a few more, the newest ones, in any order, and whether older ones
        were left out of the search. Unavailable if the source can't be reached.
        """


class LogService:
    """Searches logs. Without a source, another system collects them, which this one can't read."""

    def __init__(self, source: LogSource | None) -> None:
        self._source = source

    async def search(self, wanted: LogFilter, limit: int) -> dict[str, Any]:
        """Return the newest matching lines, newest first. Conflict where logs are elsewhere."""
        if self._source is None:
            raise Conflict("The logs of this deployment are not stored here.", code="logs_not_stored")
        found, is_partial = await self._source.newest(wanted, limit)
        newest = sorted(found, key=itemgetter("at"), reverse=True)[:limit]
        for line in newest:  # all digits: `before` takes the last line's time
            line["at"] = line["at"].isoformat().replace("+00:00", "Z")
        return {"items": newest, "is_complete": not is_partial}


def _entry(fields: dict[str, Any]) -> Entry:
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
