"""Slices that no version refers to any more."""

from collections import defaultdict
from collections.abc import Iterable

from docstore_contents.packs import pack_of
from docstore_platform.clock import Clock
from docstore_upload.pack_store import Packs


class PackReleaser:
    """Takes slices from the live ones of their packs, many in one write; again without effect.

    The workflow deletes a pack without live slices and rewrites one that is mostly dead.
    """

    def __init__(self, packs: Packs, clock: Clock) -> None:
        self._packs = packs
        self._clock = clock

    async def release_slices(self, keys: Iterable[str]) -> None:
        """`keys`: object keys of slices; others are left alone."""
        numbers: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for key in keys:
            named = pack_of(key)
            if named is not None:
                numbers[named.account_id, named.pack_key.rpartition("/")[2]].add(named.number)
        if numbers:
            await self._packs.release(numbers, self._clock())
