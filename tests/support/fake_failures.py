"""In-memory repository of a throttle."""

from dataclasses import replace
from datetime import datetime, timedelta

from docstore_platform.security.throttle import Failures


class FakeFailures:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Failures] = {}

    async def of(self, subject: str, address: str) -> Failures | None:
        return self.rows.get((subject, address))

    async def add(self, subject: str, address: str, now: datetime, window: timedelta) -> None:
        row = self.rows.get((subject, address))
        if row is None or row.until <= now:
            row = Failures(0, now + window)
        self.rows[subject, address] = replace(row, count=row.count + 1)

    async def clear(self, subject: str, address: str) -> int:
        row = self.rows.pop((subject, address), None)
        return row.count if row else 0

    async def subtract(self, subject: str, address: str, count: int) -> None:
        if row := self.rows.get((subject, address)):
            self.rows[subject, address] = replace(row, count=row.count - count)
