"""Which versions the cap keeps."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.domain import Version
from docstore_metadata.retention import versions_to_prune

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
