"""Which backups a retention keeps."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from docstore_standalone.backup.places.target import backup_name, named_moment
from docstore_standalone.backup.pruning import Retention

START = datetime(2026, 1, 1, tzinfo=UTC)


def names(every: timedelta, number: int) -> list[str]:
    return [backup_name(START + each * every, "") for each in range(number)]


def test_a_year_of_daily_backups_becomes_days_weeks_and_months() -> None:
    """Seven days, then Sundays, then ends of months; the newest counts for all three."""
    kept = Retention(daily=7, weekly=4, monthly=12).kept(names(timedelta(days=1), 365))
    days = [f"{named_moment(name):%m-%d}" for name in kept]
    assert days[-7:] == ["12-25", "12-26", "12-27", "12-28", "12-29", "12-30", "12-31"]
    assert {"12-27", "12-20", "12-13"} <= set(days)
    assert [day for day in days if not day.startswith("12")] == [
        "01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30",
    ]  # fmt: skip


def test_several_backups_a_day_count_once() -> None:
    """The newest of each day stays."""
    kept = Retention(daily=2).kept(names(timedelta(hours=6), 9))
    assert [f"{named_moment(name):%d %H}" for name in kept] == ["02 18", "03 00"]


@given(
    st.lists(st.integers(0, 400), unique=True, max_size=40),
    st.builds(Retention, *[st.integers(0, 5)] * 4),
)
def test_the_newest_always_stays(days: list[int], retention: Retention) -> None:
    """Whatever is asked for; pruning again removes nothing more."""
    taken = [backup_name(START + timedelta(days=day), "") for day in sorted(days)]
    kept = retention.kept(taken)
    assert kept[-1:] == taken[-1:]
    assert set(kept) <= set(taken)
    assert retention.kept(kept) == kept
