"""Counting, in whatever order events come."""

from typing import Any

from analytics_events import AT
from hypothesis import given
from hypothesis import strategies as st

from docstore_analytics.reports.rules import Account, Counts, PlanSeen, UsageSeen

SEEN = st.one_of(
    st.builds(PlanSeen, st.just("ann"), st.sampled_from(["free", "premium"]), st.integers(1, 5), st.none()),
    st.builds(UsageSeen, st.just("ann"), st.integers(0, 9), st.integers(0, 9), st.integers(1, 5), st.none()),
)


@given(st.lists(SEEN))
def test_counted_levels_are_those_of_the_last_that_was_seen(seen: list[Any]) -> None:
    """In whatever order it comes, and however often: sums of differences are the level."""
    account, counts = Account(), Counts()
    for each in seen:
        now = type(each)(*(AT if value is None else value for value in _values(each)))
        (account.see_plan if isinstance(now, PlanSeen) else account.see_usage)(now, counts)
    levels: dict[tuple[str, str], int] = {}
    for (_, figure, plan), amount in counts.by_hour.items():
        levels[figure, plan] = levels.get((figure, plan), 0) + amount
    kept = {key: level for key, level in levels.items() if level}
    expected = {
        ("documents", account.plan): account.documents,
        ("bytes", account.plan): account.bytes,
        ("accounts", account.plan): 1 if account.plan_revision else 0,
    }
    assert kept == {key: level for key, level in expected.items() if level}


def _values(seen: Any) -> list[Any]:
    return [getattr(seen, name) for name in seen.__dataclass_fields__]
