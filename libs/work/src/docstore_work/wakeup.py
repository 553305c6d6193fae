"""Wakes, in this process, who waits for something another part of it has just done. Only ever saves waiting."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable

_waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)


class Wakeup:
    """Waits for any of `names`: topics that are published to, or any other name agreed on. `event` is set then."""

    def __init__(self, names: Iterable[str], event: asyncio.Event | None = None) -> None:
        self._event = event or asyncio.Event()
        self._names = tuple(names)
        for name in self._names:
            _waiting[name].add(self._event)

    async def wait(self, seconds: float) -> bool:
        """Whether a wake-up came within `seconds`; one that came since the last wait counts."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        woken = self._event.is_set()
        self._event.clear()
        return woken

    def wake(self) -> None:
        """Wake this one alone."""
        self._event.set()

    def close(self) -> None:
        for name in self._names:
            _waiting[name].discard(self._event)
            if not _waiting[name]:
                del _waiting[name]


def wake(name: str) -> None:
    """Wake whoever in this process waits for `name`."""
    for event in _waiting.get(name, ()):
        event.set()
