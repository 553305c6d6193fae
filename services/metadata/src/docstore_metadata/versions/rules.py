"""Finds the versions of a file that are past an age, without reading the newer ones. Standard library only."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from docstore_metadata.changes.pruning import first_replaced_at, outdated_versions
from docstore_metadata.tree.rules import Node, Version

FIRST_READ = 4
"""Versions of a due file that are read at first: one or two outdated ones, and two that show when the next one is."""
SCAN_PAGE = 500
HISTORIES_PAGE = 10_000
"""Versions of several files that one transaction reads or deletes with all their histories."""

ReadAfter = Callable[[int, int], Awaitable[Sequence[Version]]]
"""Reads versions of a file after a number, the oldest first, up to a limit."""


@dataclass(frozen=True, slots=True)
class Outdated:
    """The first versions of a file that are past an age."""

    versions: Sequence[Version]
    next_number: int
    """Number of the first version after them; 0 if there is none."""
    replaced_from: datetime | None
    """When that version was replaced; None if it is the current one."""


async def outdated_first(read_after: ReadAfter, days: int, now: datetime, limit: int, *, begin: int = 1) -> Outdated:
    """The first versions from number `begin` on that were replaced `days` ago or earlier, up to `limit`.

    The result is the same as `outdated_versions` of the whole history, cut after `limit`. Outdated versions come first,
    so the second version that remains is the last one needed: it shows when the first one was replaced. Twice as many
    as are outdated are read at the most, and a few.
    """
    first: list[Version] = []
    size = min(FIRST_READ, limit + 2)
    while True:
        page = await read_after(first[-1].number if first else begin - 1, size)
        first += page
        gone = outdated_versions(first, days, now)[:limit]
        kept = first[len(gone) :]
        if len(page) < size or len(kept) > 1:
            return Outdated(gone, kept[0].number if kept else 0, first_replaced_at(kept))
        size = min(len(first), limit + 2 - len(first))


async def first_replaced_since(read_after: ReadAfter, since: datetime) -> int:
    """Number of the first version that was replaced at a moment or later; of the current one if none was.

    Reads the history up to there.
    """
    number = 0
    while page := await read_after(number, SCAN_PAGE):
        for version in page:
            if version.committed_at >= since:
                return number or version.number
            number = version.number
    return number


def within_histories_page(nodes: Sequence[Node]) -> Sequence[Node]:
    """The first of these nodes, whose histories together fit into one transaction; one at least."""
    totals = accumulate(node.kept_versions for node in nodes)
    return nodes[: max(1, sum(total <= HISTORIES_PAGE for total in totals))]
