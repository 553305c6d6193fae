"""Time as a dependency, so that tests can set it, and that a wrong clock can be rehearsed in a running stack."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

Clock = Callable[[], datetime]

SKEW_FILE = "DOCSTORE_CLOCK_SKEW_FILE"
"""Variable with the path of a file that may say `OFFSET UNTIL`: the clock of this process is so many seconds ahead
until the machine's shows this Unix time. Only the standalone stack sets it; without the variable no file is read.
"""
SKEW_READ_SECONDS = 0.5


class _Skew:
    """The offset, read again twice a second."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._read_at = float("-inf")

    def seconds(self) -> float:
        now = time.monotonic()
        if now >= self._read_at + SKEW_READ_SECONDS:
            self._read_at = now
            path = os.environ.get(SKEW_FILE)
            self._seconds = _offset(Path(path)) if path else 0.0
        return self._seconds


def _offset(path: Path) -> float:
    try:
        offset, until = map(float, path.read_text().split())
    except (OSError, ValueError):  # most likely there is none
        return 0.0
    return offset if time.time() < until else 0.0


_skew = _Skew()


def unix_time() -> float:
    """Return the current time in seconds since 1970."""
    return time.time() + _skew.seconds()


def utc_now() -> datetime:
    """Return the current time in UTC, cut to MongoDB's milliseconds, so that a response equals what is read back."""
    now = datetime.fromtimestamp(unix_time(), UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@lru_cache(maxsize=256)  # all that is written together has the same times
def rfc3339(moment: datetime) -> str:
    """Format as `2026-11-21T08:30:00.123Z`, the API's only format of times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
