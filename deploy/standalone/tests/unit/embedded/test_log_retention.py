"""What may go of the embedded broker's log, and what never does."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_standalone.embedded.tansu import log_retention
from docstore_standalone.embedded.tansu.broker_log import Batch, LogPartition
from docstore_standalone.embedded.tansu.log_retention import DEAD_LETTER_RETENTION, RETENTION, no_longer_needed, trim

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - 2 * RETENTION
KEPT, PAGE = 3, 4


@pytest.fixture(autouse=True, scope="module")
def _short_logs() -> Iterator[None]:
    """Few batches are many here, so that small examples reach every edge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_retention, "KEPT", KEPT)
        patch.setattr(log_retention, "PAGE", PAGE)
        yield


class FakeLog:
    """Partitions as lists of batches, commits by group; fails after so many deletions, as a process that is killed."""

    def __init__(self) -> None:
        self.logs: dict[LogPartition, list[Batch]] = {}
        self.ends: dict[LogPartition, int] = {}
        self.commits: dict[tuple[str, LogPartition], int] = {}
        self.deletions_left = 10**6

    def append(self, partition: LogPartition, records: int, written: datetime = LONG_AGO) -> None:
        first = self.ends.get(partition, 0)
        self.logs.setdefault(partition, []).append(Batch(first, written))
        self.ends[partition] = first + records

    async def partitions(self, topic: str) -> list[LogPartition]:
        return [partition for partition in self.logs if partition.topic == topic]

    async def oldest(self, partition: LogPartition, number: int) -> list[Batch]:
        return self.logs[partition][:number]

    async def end(self, partition: LogPartition) -> int:
        return self.ends[partition]

    async def committed(self, group: str, partition: LogPartition) -> int | None:
        return self.commits.get((group, partition))

    async def delete(self, partition: LogPartition, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if not self.deletions_left:
                raise ConnectionResetError
            self.deletions_left -= 1
            self.logs[partition].remove(batch)


FILES = LogPartition("files", 0)

sizes = st.lists(st.integers(1, 5), max_size=20)
ages = st.lists(st.integers(0, 300), max_size=20)


@given(sizes, ages, st.integers(0, 60))
def test_only_old_handled_segments_are_deleted(sizes: list[int], ages: list[int], handled: int) -> None:
    """It is the log's beginning; no record at or after what is handled goes, nothing recent, and the last ones stay."""
    firsts = [0, *accumulate(sizes)]
    written = [NOW - timedelta(seconds=age) for age in ages]
    batches = [Batch(first, at) for first, at in zip(firsts, written, strict=False)]
    going = no_longer_needed(batches, handled=handled, written_before=NOW - RETENTION)
    assert going == batches[: len(going)]
    assert len(batches) - len(going) >= min(KEPT, len(batches))
    assert all(batch.written < NOW - RETENTION for batch in going)
    assert all(firsts[number + 1] <= handled for number in range(len(going)))


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=40),
    st.dictionaries(st.sampled_from(["quota", "indexer", "notify"]), st.integers(0, 160), min_size=1),
    st.integers(0, 30),
)
def test_no_group_misses_a_record(sizes: list[int], commits: dict[str, int], killed_after: int) -> None:
    """Though killed in the middle and run again: what the slowest group still needs is there, and the rest is gone."""
    log = FakeLog()
    for size in sizes:
        log.append(FILES, size)
    before, end = log.logs[FILES].copy(), log.ends[FILES]
    log.commits = {(group, FILES): min(offset, end) for group, offset in commits.items()}
    slowest = min(log.commits.values())
    log.deletions_left = killed_after
    try:
        asyncio.run(trim(log, "", NOW))
    except ConnectionResetError:
        log.deletions_left = 10**6
        asyncio.run(trim(log, "", NOW))
    left = log.logs[FILES]
    assert left == before[-len(left) :]
    assert left[0].first <= slowest
    assert len(left) >= min(KEPT, len(before))
    assert len(left) <= KEPT or left[1].first > slowest


async def test_a_log_without_consumers_is_not_shortened() -> None:
    """Who reads it is not known then: nothing of it has been handled."""
    log = FakeLog()
    for _ in range(20):
        log.append(FILES, 1)
    assert await trim(log, "", NOW) == 0


async def test_a_log_that_ends_before_a_groups_offset_stays_whole() -> None:
    """It is another log than the one that group has read: not one record of it is handled."""
    log = FakeLog()
    for _ in range(20):
        log.append(FILES, 1)
    log.commits = {("quota", FILES): 20, ("indexer", FILES): 21}
    assert await trim(log, "", NOW) == 0
    log.commits["indexer", FILES] = 20
    assert await trim(log, "", NOW) == 20 - KEPT


async def test_a_foreign_consumer_group_delays_nothing() -> None:
    """A tool that read once does not keep the log forever; a prefix distinguishes stacks."""
    log = FakeLog()
    partition = LogPartition("ours.files", 1)
    for _ in range(20):
        log.append(partition, 1)
    log.commits = {("ours.quota", partition): 15, ("quota", partition): 1, ("kcat", partition): 0}
    assert await trim(log, "ours.", NOW) == 15


async def test_copies_of_dead_letters_stay_for_weeks() -> None:
    """No group reads them: their age alone counts, and the last ones stay whatever it is."""
    log = FakeLog()
    letters = LogPartition("files.dlq", 0)
    for days in range(40, 0, -1):
        log.append(letters, 1, NOW - timedelta(days=days))
    assert await trim(log, "", NOW) == 10
    assert await trim(log, "", NOW + DEAD_LETTER_RETENTION) == 30 - KEPT
