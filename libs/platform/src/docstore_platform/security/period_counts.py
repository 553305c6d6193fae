"""Counts of actions within a period, over all instances."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import Collection, Document, DuplicateKeyError, ReturnDocument, Session, conflict


@dataclass(frozen=True, slots=True)
class Count:
    number: int
    """Number of the action in its period, from 1."""
    at: datetime
    until: datetime
    """End of the period, which began with its first action."""

    @property
    def left(self) -> timedelta:
        return self.until - self.at


class PeriodCounts(Protocol):
    async def add(self, key: str, *, session: Session = None) -> Count:
        """Count one more of `key`."""


class MongoPeriodCounts:
    """Documents by key, with `count` and `until`; the database deletes those whose period is over.

    The database's clock decides when a period ends; another `clock` than `utc_now` is for tests.
    """

    def __init__(self, collection: Collection, period: timedelta, clock: Clock = utc_now) -> None:
        self._rows = collection
        self._period_ms = int(period.total_seconds() * 1000)
        self._clock = None if clock is utc_now else clock

    async def create_indexes(self) -> None:
        await self._rows.create_index("until", expireAfterSeconds=0)

    async def add(self, key: str, *, session: Session = None) -> Count:
        now: Any = "$$NOW" if self._clock is None else {"$literal": self._clock()}
        running: Document = {"$gt": ["$until", now]}
        count = {"$cond": [running, {"$add": ["$count", 1]}, 1]}
        until = {"$cond": [running, "$until", {"$add": [now, self._period_ms]}]}
        try:
            row = await self._rows.find_one_and_update(
                {"_id": key},
                [{"$set": {"count": count, "until": until, "at": now}}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
        except DuplicateKeyError as error:
            if session is None:  # another call has just started the period
                return await self.add(key)
            raise conflict("another transaction has just started the period") from error
        return Count(row["count"], row["at"], row["until"])
