"""Levels of storage by day."""

from datetime import UTC, datetime

from docstore_analytics.storage.rules import DAY, Level, daily, last_days

TODAY = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_day_without_a_change_has_the_level_of_the_day_before() -> None:
    """Also if the last change was before the first day; before all changes nothing was stored."""
    days = last_days(TODAY, 4)
    assert [f"{day:%m-%d}" for day in days] == ["02-26", "02-27", "02-28", "03-01"]
    known = {TODAY - 9 * DAY: Level(5, 1), TODAY - 30 * DAY: Level(1, 1), days[1]: Level(7, 2)}
    assert [level.bytes for level in daily(known, days)] == [5, 7, 7, 7]
    assert daily({TODAY: Level(3, 1)}, days) == [Level(), Level(), Level(), Level(3, 1)]
