"""Hears from the disk what has changed in the folder."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import watchfiles

from docstore_sync.scan import own_paths

DEBOUNCE_MS = 100
STEP_MS = 20
"""It is told of a change when none has followed for so long, or after the whole debounce."""
POLL_DISK_MS = 1000


class DiskWatch:
    """`touched` is set when there is something new in `told`: paths as in `a/b`, until somebody takes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.touched = asyncio.Event()
        self.told: set[str] = set()

    def take(self) -> set[str]:
        taken, self.told = self.told, set()
        return taken

    async def run(self) -> None:
        """Until cancelled, or until the folder can't be watched."""
        folder = self._folder.resolve()
        own, start = tuple(f"{folder / path}{os.sep}" for path in own_paths(folder)), len(str(folder)) + 1

        def is_ours(_: watchfiles.Change, path: str) -> bool:
            return not f"{path}{os.sep}".startswith(own)

        for by_looking in (False, True):  # where the system has no more room for watches, it is looked at again
            with suppress(OSError):
                async for changes in watchfiles.awatch(
                    folder,
                    watch_filter=is_ours,
                    debounce=DEBOUNCE_MS,
                    step=STEP_MS,
                    force_polling=by_looking,
                    poll_delay_ms=POLL_DISK_MS,
                ):
                    self.told |= {path[start:].replace(os.sep, "/") for _, path in changes} - {""}
                    self.touched.set()
