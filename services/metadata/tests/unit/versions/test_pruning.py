"""Which versions are kept: by number, and by time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.errors import InvalidRetention
from docstore_metadata.retention.rules import Bounds, Choice, Policy
from docstore_metadata.versions.pruning import cooled_versions, first_replaced_at, outdated_versions, versions_to_prune
from docstore_metadata.versions.rules import Version

START = datetime(2026, 1, 1, tzinfo=UTC)


def version(number: int, at: datetime) -> Version:
    return Version(
        node_id="n",
        owner_id="ann",
        number=number,
        object_key=f"k{number}",
        size=1,
        sha256="",
        content_type="",
        created_at=at,
        created_by="ann",
    )


def history(gaps: list[int]) -> list[Version]:
    """Versions so many seconds apart."""
    moments = [START + timedelta(seconds=sum(gaps[:end])) for end in range(len(gaps) + 1)]
    return [version(number, at) for number, at in enumerate(moments, 1)]


@given(st.lists(st.integers(0, 10**7), max_size=40), st.integers(1, 60))
def test_the_cap_holds_and_the_important_ones_stay(gaps: list[int], cap: int) -> None:
    """Just the surplus goes; never the current one, never the newest fifth, and the first only if the cap is 1."""
    versions = history(gaps)
    pruned = versions_to_prune(list(reversed(versions)), cap, versions[-1].created_at)
    kept = [v.number for v in versions if v not in pruned]
    assert len(kept) == min(cap, len(versions))
    assert kept[-1] == len(versions)
    assert cap == 1 or kept[0] == 1
    recent = min(10, max(1, cap // 5), len(kept))
    assert kept[-recent:] == [v.number for v in versions[-recent:]]


def test_old_versions_thin_out() -> None:
    """A version a minute for a day, pruned as it goes: dense near the end, and some of every part of the day remain."""
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
def test_whatever_the_file_was_in_the_last_days_stays(gaps: list[int], days: int, later: int) -> None:
    """At each moment not longer ago than that, one version was the content: it is kept; all others go."""
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
def test_looking_often_and_looking_once_let_go_of_the_same(gaps: list[int], days: int, waits: list[int]) -> None:
    """Also where a clock went back: none goes before one that is older, and the next look is known exactly."""
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


def test_what_a_late_upload_replaced_counts_from_when_it_came() -> None:
    """A version made long ago that came today has replaced the other today."""
    old, new = history([1])
    new.came_at = START + 100 * DAY
    assert outdated_versions([old, new], 10, START + 109 * DAY) == []
    assert outdated_versions([old, new], 10, START + 110 * DAY) == [old]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=20), st.integers(1, 60), st.lists(st.integers(0, 30)))
def test_each_old_version_is_asked_about_once(gaps: list[int], days: int, waits: list[int]) -> None:
    """However often one looks: when its time has come, not before, and the next look is known exactly."""
    versions, asked, now = history([gap * 86_400 for gap in gaps]), list[Version](), START
    since = first_replaced_at(versions)
    for wait in waits:
        now += wait * DAY
        if since is not None and since <= now - days * DAY:
            cooled, since = cooled_versions(versions, since, days, now)
            assert cooled
            asked += cooled
    assert asked == outdated_versions(versions, days, now)


days_or_never = st.none() | st.integers(1, 36_500)
policies = st.builds(Policy, days_or_never, st.integers(1, 100), days_or_never)


@given(policies, policies, policies)
def test_what_holds_is_never_more_than_the_operator_allows(default: Policy, most: Policy, chosen: Policy) -> None:
    """Whatever was chosen when: what is accepted holds as it is, and what no longer fits is cut to the limits."""
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
def test_a_choice_takes_no_version_before_its_time(most: Policy, chosen: Policy, hours: int) -> None:
    """While it can be taken back, a new version leaves as many as there may be at all."""
    bounds = Bounds(most, most, DAY)
    room = bounds.versions_kept(Choice(chosen, START), START + timedelta(hours=hours))
    assert room == (most.versions if hours < 24 else min(chosen.versions, most.versions))
