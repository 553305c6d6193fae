"""Display names of people, for responses that contain their account ids."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

CACHED_SECONDS = 30.0
"""A new or changed name is shown everywhere after so long."""
MAX_CACHED = 10_000


class DisplayNames:
    """Names by account id: one query per response, cached for a moment.

    `find` reads stored names by account id. `look_up` is called with the ids of unknown people at each such query.
    """

    def __init__(
        self,
        find: Callable[[Iterable[str]], Awaitable[Mapping[str, str]]],
        look_up: Callable[[Iterable[str]], None],
    ) -> None:
        self._find = find
        self._look_up = look_up
        self._cached: dict[str, tuple[float, str | None]] = {}

    async def of(self, account_ids: Iterable[str]) -> Mapping[str, str]:
        """The known ones. Accounts that have just signed up, or of another region, may be missing."""
        wanted, now = set(account_ids), time.monotonic()
        names = {each: kept[1] for each in wanted if (kept := self._cached.get(each)) is not None and kept[0] > now}
        unknown = wanted - names.keys()
        if unknown:
            found = await self._find(unknown)
            names |= {each: found.get(each) for each in unknown}
            if len(self._cached) + len(unknown) > MAX_CACHED:
                self._cached.clear()
            self._cached |= {each: (now + CACHED_SECONDS, names[each]) for each in unknown}
            if missing := unknown - found.keys():
                self._look_up(missing)
        return {each: name for each, name in names.items() if name is not None}
