"""Pruning of versions, by number and by age."""

from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest
from histories import version
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.changes import pruning
from docstore_metadata.changes.pruning import first_replaced_at, outdated_versions, versions_to_prune
from docstore_metadata.errors import InvalidRetention
from docstore_metadata.tree.retention_policy import Bounds, Choice, Policy
from docstore_metadata.tree.rules import Version

START = datetime(2026, 1, 1, tzinfo=UTC)


def history(gaps: list[int]) -> list[Version]:
    """Versions with this distance in seconds."""
    moments = [START + timedelta(seconds=sum(gaps[:end])) for end in range(len(gaps) + 1)]
    return [version(number, at) for number, at in enumerate(moments, 1)]


@given(st.lists(st.integers(0, 10**7), max_size=40), st.integers(1, 60))
def test_pruning_keeps_the_cap_and_the_important_versions(gaps: list[int], cap: int) -> None:
    """Exactly the surplus; never the current one and the newest fifth, and the first only if the cap is 1."""
    versions = history(gaps)
    pruned = versions_to_prune(list(reversed(versions)), cap, versions[-1].created_at)
    kept = [v.number for v in versions if v not in pruned]
    assert len(kept) == min(cap, len(versions))
    assert kept[-1] == len(versions)
    assert cap == 1 or kept[0] == 1
    recent = min(10, max(1, cap // 5), len(kept))
    assert kept[-recent:] == [v.number for v in versions[-recent:]]


@given(st.lists(st.integers(0, 1000), max_size=40), st.integers(1, 60))
def test_pruning_takes_the_densest_one_by_one(gaps: list[int], cap: int) -> None:
    """Among all that may go, each time the one whose neighbours are closest together in proportion to its age."""
    versions = history(gaps)
    now = versions[-1].created_at
    kept, recent = list(versions), min(10, max(1, cap // 5))
    expected = []

    def density(index: int) -> tuple[float, int]:
        gap = (kept[index + 1].created_at - kept[index - 1].created_at).total_seconds()
        return gap / max((now - kept[index].created_at).total_seconds(), 1.0), index

    while len(kept) > cap:
        middle = range(1, len(kept) - recent)
        expected.append(kept.pop(min(middle, key=density) if middle else int(cap > 1)))
    assert versions_to_prune(versions, cap, now) == expected


def test_a_long_history_is_pruned_for_many_versions_at_once() -> None:
    """Else each upload of such a file would read all its versions; below a hundred the cap is exact."""
    assert not pruning.is_full(49, 50)
    assert pruning.is_full(50, 50)
    assert not pruning.is_full(10_099, 10_000)
    assert pruning.is_full(10_100, 10_000)


def test_pruning_many_versions_looks_at_each_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lower limit for a file of 10^4 versions must not stop the service: the work is no square of it."""
    spacing, calls = pruning._spacing, count(1)
    monkeypatch.setattr(pruning, "_spacing", lambda *given: (next(calls), spacing(*given))[1])
    versions = history([60] * 9_999)
    assert len(versions_to_prune(versions, 50, versions[-1].created_at)) == 9_950
    assert next(calls) < 4 * len(versions)


def test_pruning_thins_out_old_versions() -> None:
    """A version a minute for a day: dense near the end, and some remain of every part of the day."""
    kept: list[Version] = []
    for number in range(1, 1441):
        now = START + timedelta(minutes=number)
        kept.append(version(number, now))
        gone = versions_to_prune(kept, 20, now)
        kept = [v for v in kept if v not in gone]
    ages = [(1440 - v.number) for v in kept]
    assert ages[0] == 1439
    assert sum(age < 60 for age in ages) > sum(age >= 720 for age in ages)
    gaps = [older - newer for older, newer in pairwise(ages)]
    assert max(gaps) < 720


DAY = timedelta(days=1)


@given(st.lists(st.integers(0, 40), max_size=20), st.integers(1, 60), st.integers(0, 200))
def test_every_state_of_the_last_days_is_kept(gaps: list[int], days: int, later: int) -> None:
    """The versions that were current at some moment of the period; all others are pruned."""
    versions = history([gap * 86_400 for gap in gaps])
    now = versions[-1].created_at + later * DAY
    gone = outdated_versions(list(reversed(versions)), days, now)
    moments = [now - timedelta(hours=hours) for hours in range(24 * days)]
    needed = {max((v.number for v in versions if v.created_at <= at), default=1) for at in moments}
    kept = {v.number for v in versions if v not in gone}
    assert needed <= kept
    for old, until in pairwise(versions):
        assert (old in gone) is (until.created_at <= now - days * DAY)


@given(st.lists(st.integers(-10, 40), min_size=1, max_size=20), st.integers(1, 60), st.lists(st.integers(0, 30)))
def test_pruning_often_or_once_has_the_same_result(gaps: list[int], days: int, waits: list[int]) -> None:
    """Even with a wrong clock: versions are pruned in order, and the next due moment is exact."""
    versions = history([gap * 86_400 for gap in gaps])
    kept, now = list(versions), START
    for wait in waits:
        now += wait * DAY
        due = first_replaced_at(kept)
        gone = outdated_versions(kept, days, now)
        assert bool(gone) is (due is not None and due <= now - days * DAY)
        kept = [v for v in kept if v not in gone]
    assert kept == [v for v in versions if v not in outdated_versions(versions, days, now)]
    assert kept[-1] == versions[-1]


def test_a_late_upload_replaces_at_its_arrival() -> None:
    """A version made long ago that arrived today has replaced the previous one today."""
    old, new = history([1])
    new.came_at = START + 100 * DAY
    assert outdated_versions([old, new], 10, START + 109 * DAY) == []
    assert outdated_versions([old, new], 10, START + 110 * DAY) == [old]


days_or_never = st.none() | st.integers(1, 36_500)
policies = st.builds(Policy, days_or_never, st.integers(1, 100), days_or_never)


@given(policies, policies, policies)
def test_the_effective_policy_is_within_the_operators_limits(default: Policy, most: Policy, chosen: Policy) -> None:
    """An accepted choice applies as it is; a choice beyond lowered limits is reduced to them."""
    bounds = Bounds(default, most, DAY)
    for choice in (None, Choice(None, START), Choice(chosen, START)):
        holds = bounds.of(choice)
        assert holds.versions <= most.versions
        for days, limit in ((holds.trash_days, most.trash_days), (holds.version_days, most.version_days)):
            assert limit is None or (days is not None and days <= limit)
    try:
        bounds.check(chosen)
    except InvalidRetention as refusal:
        field = refusal.extra["field"]
        assert getattr(bounds.of(Choice(chosen, START)), field) != getattr(chosen, field)
    else:
        assert bounds.of(Choice(chosen, START)) == chosen


@given(policies, policies, st.integers(0, 100))
def test_a_choice_prunes_no_version_during_its_grace(most: Policy, chosen: Policy, hours: int) -> None:
    """A new version leaves the maximum number."""
    bounds = Bounds(most, most, DAY)
    room = bounds.versions_kept(Choice(chosen, START), START + timedelta(hours=hours))
    assert room == (most.versions if hours < 24 else min(chosen.versions, most.versions))
