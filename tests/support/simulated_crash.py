"""Simulates a crash at any line of our code; only `finally` blocks still run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any


class SimulatedCrash(BaseException):
    """A simulated crash."""


class Lines:
    """Counts executed lines of a package, and raises at number `last`."""

    def __init__(self, package: Path, last: int) -> None:
        self.run = 0
        self._package, self._last = str(package), last

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(self._package):
            return None
        if event == "line":
            self.run += 1
            if self.run == self._last:
                raise SimulatedCrash
        return self.trace


@contextmanager
def crash_at(package: Path, last: int = 0) -> Iterator[Lines]:
    """Raise SimulatedCrash at the `last`-th executed line of the package; 0: only count lines."""
    lines, before = Lines(package, last), sys.gettrace()
    sys.settrace(lines.trace)
    try:
        yield lines
    finally:
        sys.settrace(before)
