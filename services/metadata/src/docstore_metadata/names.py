"""What people are called, for those who see their ids on what they may read."""

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

GOOD_SECONDS = 30.0
"""A new name shows everywhere after so long."""
MAX_KEPT = 10_000


class Store(Protocol):
    async def names_of(self, account_ids: Iterable[str]) -> Mapping[str, str]:
        """By account id, of those that are known here."""
        ...


class Names:
    """Names by account id: asked for all of an answer in one query, and kept for a moment, so most need none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, tuple[float, str]] = {}

    async def of(self, account_ids: Iterable[str]) -> Mapping[str, str]:
        """Those of them that are known. Who has signed up just now may not be, nor somebody of another region."""
        wanted, now = set(account_ids), time.monotonic()
        known = {each: kept[1] for each in wanted if (kept := self._kept.get(each)) is not None and kept[0] > now}
        unknown = wanted - known.keys()
        if not unknown:
            return known
        found = await self._store.names_of(unknown)
        if len(self._kept) + len(found) > MAX_KEPT:
            self._kept.clear()
        self._kept |= {each: (now + GOOD_SECONDS, name) for each, name in found.items()}
        return {**known, **found}
