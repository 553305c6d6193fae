"""Wake-ups within a process, which save waiting for the next poll."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from docstore_platform.tasks import happens_within

_waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)


class Wakeup:
    """Waits for any of `names`: published topics or other agreed names. Sets `event` then."""

    def __init__(self, names: Iterable[str], event: asyncio.Event | None = None) -> None:
        self._event = event or asyncio.Event()
        self._names = tuple(names)
        for name in self._names:
            _waiting[name].add(self._event)

    async def wait(self, seconds: float) -> bool:
        """Wait for a wake-up, at most `seconds`; return whether there was one since the last wait."""
        woken = await happens_within(seconds, self._event)
        self._event.clear()
        return woken

    def wake(self) -> None:
        """Wake this waiter only."""
        self._event.set()

    def close(self) -> None:
        for name in self._names:
            _waiting[name].discard(self._event)
            if not _waiting[name]:
                del _waiting[name]


def wake(name: str) -> None:
    """Wake all waiters for `name` in this process."""
    for event in _waiting.get(name, ()):
        event.set()
