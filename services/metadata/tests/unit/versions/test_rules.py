"""Versions past an age, found without the newer ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from histories import version
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.changes.pruning import first_replaced_at, outdated_versions
from docstore_metadata.tree.rules import Version
from docstore_metadata.versions.rules import FIRST_READ, first_replaced_since, outdated_first

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class History:
    """A file's versions, which counts those that are read."""

    def __init__(self, moments: Sequence[tuple[int, int | None]]) -> None:
        """Of each version the day of its upload, and how many days later it arrived; None as in early releases."""
        self.kept = [self._version(number, *each) for number, each in enumerate(moments, 1)]
        self.read = 0

    def _version(self, number: int, day: int, late: int | None) -> Version:
        created = START + day * DAY
        return version(number, created, None if late is None else created + late * DAY)

    async def after(self, number: int, limit: int) -> list[Version]:
        found = [version for version in self.kept if version.number > number][:limit]
        self.read += len(found)
        return found


histories = st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 20)), min_size=1, max_size=60)
"""In any order, as with late uploads and wrong clocks."""
in_order = histories.map(lambda moments: sorted(moments, key=itemgetter(0)))


@given(histories | in_order, st.integers(1, 40), st.integers(0, 120), st.integers(1, 70))
async def test_the_first_versions_give_the_result_of_the_whole_history(
    moments: list[tuple[int, int | None]], days: int, later: int, limit: int
) -> None:
    """In batches of any size: the same versions go, and the same moment is due next. Few more than those are read."""
    history, now = History(moments), START + later * DAY
    expected = outdated_versions(history.kept, days, now)
    gone: list[Version] = []
    is_full = True
    while is_full:
        history.read = 0
        outdated = await outdated_first(history.after, days, now, limit)
        assert history.read <= 2 * len(outdated.versions) + FIRST_READ
        is_full = len(outdated.versions) == limit
        gone += outdated.versions
        history.kept = [version for version in history.kept if version not in outdated.versions]
        assert outdated.replaced_from == first_replaced_at(history.kept)
    assert gone == expected


@given(histories | in_order, st.integers(1, 40), st.lists(st.integers(1, 30)), st.integers(1, 70), st.booleans())
async def test_each_version_is_found_once_when_it_is_due(
    moments: list[tuple[int, int | None]], days: int, waits: list[int], limit: int, number_is_known: bool
) -> None:
    """However often the search goes on from where it ended: by the number stored then, or by the moment alone.

    By the moment, versions that were replaced at the same one may be found again.
    """
    history, now = History(moments), START
    found: list[Version] = []
    begin, since = 1, first_replaced_at(history.kept)
    for wait in waits:
        now += wait * DAY
        if since is not None and not number_is_known:
            begin = await first_replaced_since(history.after, since)
        while since is not None and since <= now - days * DAY:
            history.read = 0
            outdated = await outdated_first(history.after, days, now, limit, begin=begin)
            assert history.read <= 2 * len(outdated.versions) + FIRST_READ
            found += [version for version in outdated.versions if version not in found or number_is_known]
            begin, since = outdated.next_number, outdated.replaced_from
    assert found == outdated_versions(history.kept, days, now)
