"""Levels of an account's storage by day. Standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Level:
    """What an account stores, versions and trash included."""

    bytes: int = 0
    documents: int = 0


def daily(known: Mapping[datetime, Level], days: Sequence[datetime]) -> list[Level]:
    """Return the level at the end of each day: a day without a change has that of the day before."""
    before = [day for day in known if day < days[0]]
    level = known[max(before)] if before else Level()
    levels: list[Level] = []
    for day in days:
        level = known.get(day, level)
        levels.append(level)
    return levels


def last_days(today: datetime, number: int) -> list[datetime]:
    """Return the starts of so many days, the last one today."""
    return [today - DAY * back for back in reversed(range(number))]
