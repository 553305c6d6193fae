"""Which old versions are pruned, by number and by age. Standard library only."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import accumulate, islice

from docstore_metadata.tree.rules import Version

MAX_RECENT = 10
EXCESS = 100
"""A file may have a hundredth more versions than its cap before those beyond it are pruned together: all its versions
are read for that, which takes as long for one as for many."""


def is_full(kept: int, cap: int) -> bool:
    """Whether versions must be pruned when a file of `kept` versions gets another one."""
    return kept >= cap + cap // EXCESS


def versions_to_prune(versions: Sequence[Version], cap: int, now: datetime) -> list[Version]:
    """The versions to prune so that `cap` remain.

    Always kept: the current one, the first, and the newest few (a fifth of the cap, at most 10). Of the others the one
    whose neighbours are closest together in proportion to its age is pruned first: the remaining ones are dense near
    today and thin out towards the past, as in exponential backup rotation.
    """
    kept = sorted(versions, key=lambda version: version.number)
    surplus = len(kept) - cap
    if surplus <= 0:
        return []
    recent = min(MAX_RECENT, max(1, cap // 5))
    pruned = list(islice(_densest_first(kept, len(kept) - recent, now), surplus))
    if len(pruned) < surplus:  # only the first and the recent ones are left
        left = remaining(kept, pruned)
        begin = 1 if cap > 1 else 0
        pruned += left[begin : begin + surplus - len(pruned)]
    return pruned


def remaining(versions: Sequence[Version], pruned: Sequence[Version]) -> list[Version]:
    """The versions of one file that are not pruned."""
    gone = {version.number for version in pruned}
    return [version for version in versions if version.number not in gone]


def _densest_first(kept: Sequence[Version], end: int, now: datetime) -> Iterator[Version]:
    """Yield the versions after the first and before position `end`, each time the one with the closest neighbours.

    In proportion to its age, and among those that are still left; of equal ones the earliest.
    """
    before, after = list(range(-1, len(kept) - 1)), list(range(1, len(kept) + 1))

    def spacing(position: int) -> float:
        return _spacing(kept[before[position]], kept[position], kept[after[position]], now)

    spacings = {position: spacing(position) for position in range(1, end)}
    queue = [(each, position) for position, each in spacings.items()]
    heapify(queue)
    while queue:
        space, position = heappop(queue)
        if spacings.get(position) != space:  # it has got another neighbour since
            continue
        del spacings[position]
        yield kept[position]
        after[before[position]], before[after[position]] = after[position], before[position]
        for neighbour in (before[position], after[position]):
            if neighbour in spacings:
                spacings[neighbour] = spacing(neighbour)
                heappush(queue, (spacings[neighbour], neighbour))


def outdated_versions(versions: Sequence[Version], days: int, now: datetime) -> list[Version]:
    """The versions that were replaced `days` ago or earlier; never the current one.

    The age counts from the replacement, not from the creation: every state of the file in the last `days` is kept, even
    if the version that was replaced today is years old.
    """
    limit = now - timedelta(days=days)
    return [version for version, until in _current_until(versions) if until <= limit]


def first_replaced_at(versions: Sequence[Version]) -> datetime | None:
    """When the first of these versions was replaced; None if there is only the current one."""
    return next((until for _, until in _current_until(versions)), None)


def _current_until(versions: Sequence[Version]) -> list[tuple[Version, datetime]]:
    """The old versions, the first one first, each with the moment when the next one replaced it.

    The moments never decrease, even if a clock was wrong: outdated versions come first.
    """
    kept = sorted(versions, key=lambda version: version.number)
    moments = accumulate((version.committed_at for version in kept), max)
    return list(zip(kept, islice(moments, 1, None), strict=False))


def _spacing(before: Version, version: Version, after: Version, now: datetime) -> float:
    """Time between the neighbours of a version, in ages of that version."""
    gap = (after.created_at - before.created_at).total_seconds()
    age = (now - version.created_at).total_seconds()
    return max(gap, 0.0) / max(age, 1.0)
