"""Which old versions go when a file has more than the cap allows. Standard library only."""

from collections.abc import Sequence
from datetime import datetime

from docstore_metadata.domain import Version

MAX_RECENT = 10


def versions_to_prune(versions: Sequence[Version], cap: int, now: datetime) -> list[Version]:
    """The versions to give up so that `cap` remain.

    Always kept: the current one, the first, and the newest few (a fifth of the cap, at most 10). Of the others goes,
    again and again, the one whose neighbours are closest together in proportion to its age: what remains is dense
    near today and thins out towards the past, as in exponential backup rotation.
    """
    kept = sorted(versions, key=lambda version: version.number)
    recent = min(MAX_RECENT, max(1, cap // 5))
    pruned: list[Version] = []
    while len(kept) > cap:
        candidates = range(1, len(kept) - recent)
        if candidates:
            position = min(candidates, key=lambda index: (_spacing(kept, index, now), index))
        else:
            position = 1 if cap > 1 and len(kept) > 2 else 0
        pruned.append(kept.pop(position))
    return pruned


def _spacing(kept: Sequence[Version], index: int, now: datetime) -> float:
    """Time between the neighbours of a version, in ages of that version."""
    gap = (kept[index + 1].created_at - kept[index - 1].created_at).total_seconds()
    age = (now - kept[index].created_at).total_seconds()
    return max(gap, 0.0) / max(age, 1.0)
