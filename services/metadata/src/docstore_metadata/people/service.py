"""Display names of people, for those who see their ids on what they may read."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

GOOD_SECONDS = 30.0
"""A new name shows everywhere after so long, one that was not known as well."""
MAX_KEPT = 10_000


class Store(Protocol):
    async def names_of(self, account_ids: Iterable[str]) -> Mapping[str, str]:
        """By account id, of those that are known here."""
        ...


class DisplayNames:
    """Names by account id: asked for all of an answer in one query, and kept for a moment, so most need none.

    `missed` is told who is not known, as often as the store is asked for them.
    """

    def __init__(self, store: Store, missed: Callable[[Iterable[str]], None]) -> None:
        self._store = store
        self._missed = missed
        self._kept: dict[str, tuple[float, str | None]] = {}

    def learn(self, account_ids: Iterable[str]) -> None:
        """Have accounts asked for people of whom something else is not known."""
        self._missed(account_ids)

    async def of(self, account_ids: Iterable[str]) -> Mapping[str, str]:
        """Those of them that are known. Who has signed up just now may not be, nor somebody of another region."""
        wanted, now = set(account_ids), time.monotonic()
        names = {each: kept[1] for each in wanted if (kept := self._kept.get(each)) is not None and kept[0] > now}
        unknown = wanted - names.keys()
        if unknown:
            found = await self._store.names_of(unknown)
            names |= {each: found.get(each) for each in unknown}
            if len(self._kept) + len(unknown) > MAX_KEPT:
                self._kept.clear()
            self._kept |= {each: (now + GOOD_SECONDS, names[each]) for each in unknown}
            if missing := unknown - found.keys():
                self._missed(missing)
        return {each: name for each, name in names.items() if name is not None}
