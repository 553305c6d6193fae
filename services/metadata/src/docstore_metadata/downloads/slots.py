"""Bounds the responses that are sent at the same time."""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from docstore_platform.errors import TooMany

RETRY_SECONDS = 10


@dataclass(slots=True)
class Slots:
    """Responses to one caller, and in all: each takes memory and connections. The next one is refused with `code`."""

    what: str
    code: str
    each: int
    total: float = math.inf
    _open: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        """Raises TooMany unless the caller may have another response now."""
        if self._open[caller] >= self.each or self._open.total() >= self.total:
            detail = f"Too many {self.what} are running. Wait until one of them has ended."
            raise TooMany(detail, code=self.code, retry_after=RETRY_SECONDS)
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
