"""When a scheduled backup is due."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from docstore_standalone.backup_schedule import Schedule

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAILY = Schedule(timedelta(days=1))
AT_THREE = Schedule(timedelta(days=1), time(3))


def test_the_first_backup_is_due_at_once() -> None:
    """By interval and by time of day; also if the last one was taken in the future, by a clock that was ahead."""
    for schedule in (DAILY, AT_THREE):
        assert schedule.next_after(None, NOON) == NOON
        assert schedule.next_after(NOON + timedelta(days=40), NOON) == NOON


def test_a_missed_backup_is_due_once() -> None:
    """After three days without the stack one backup is due; taken, the next one is due at its usual time."""
    last = NOON - timedelta(days=3)
    assert AT_THREE.next_after(last, NOON) <= NOON
    assert DAILY.next_after(last, NOON) <= NOON
    assert AT_THREE.next_after(NOON, NOON) == datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert DAILY.next_after(NOON, NOON) == NOON + timedelta(days=1)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), st.times())
def test_a_daily_backup_comes_within_a_day_at_its_time(last: datetime, at: time) -> None:
    """Never at the same moment again."""
    due = Schedule(timedelta(days=1), at).next_after(last, last)
    assert timedelta(0) < due - last <= timedelta(days=1)
    assert due.time() == at
