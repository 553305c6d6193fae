"""Pacing of relays and consumers: events of a quiet service travel at once, those of a busy one together.

Each turn costs about the same however many events it has: at a relay reads and writes of the outbox and a record batch
in the broker's log, at a consumer a transaction.
"""

import time
from collections.abc import Callable

BURST_TURNS = 20
TURNS_PER_SECOND = 1.0
"""Under lasting load, so an event waits a second at most at its relay, and at each consumer."""


class Pacing:
    """A token bucket of `burst` turns, refilled at `per_second`."""

    def __init__(
        self,
        burst: int = BURST_TURNS,
        per_second: float = TURNS_PER_SECOND,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._seconds = seconds
        self._turns = float(burst)
        self._counted_at = seconds()

    def count(self) -> None:
        """Count a turn that has had events."""
        self._turns = self._left() - 1
        self._counted_at = self._seconds()

    def wait_seconds(self) -> float:
        """Return the seconds until the next turn may begin."""
        return max(0.0, (1 - self._left()) / self._per_second)

    def _left(self) -> float:
        return min(self._turns + (self._seconds() - self._counted_at) * self._per_second, self._burst)
