"""A clock for queues, in place of the database's."""

from datetime import UTC, datetime, timedelta

LEASE_SECONDS = 30.0


class ServerClock:
    """Stands still unless a test advances it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
