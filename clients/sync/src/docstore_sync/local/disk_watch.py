"""Watches the folder for changes reported by the file system."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import watchfiles

from docstore_sync.local.scan import own_paths

DEBOUNCE_MS = 100
STEP_MS = 20
"""Report a change after this quiet time, or at the latest after the debounce time."""
POLL_DISK_MS = 1000


class DiskWatch:
    """Sets `touched` when paths (as in `a/b`) are added to `reported`; `take` empties it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.touched = asyncio.Event()
        self.reported: set[str] = set()

    def take(self) -> set[str]:
        taken, self.reported = self.reported, set()
        return taken

    async def run(self) -> None:
        """Watch until cancelled, or until the folder can't be watched."""
        folder = self._folder.resolve()
        own, start = tuple(f"{folder / path}{os.sep}" for path in own_paths(folder)), len(str(folder)) + 1

        def is_relevant(_: watchfiles.Change, path: str) -> bool:
            return not f"{path}{os.sep}".startswith(own)

        for by_looking in (False, True):  # if the system has no watches left, periodic scans remain
            with suppress(OSError):
                async for changes in watchfiles.awatch(
                    folder,
                    watch_filter=is_relevant,
                    debounce=DEBOUNCE_MS,
                    step=STEP_MS,
                    force_polling=by_looking,
                    poll_delay_ms=POLL_DISK_MS,
                ):
                    self.reported |= {path[start:].replace(os.sep, "/") for _, path in changes} - {""}
                    self.touched.set()
