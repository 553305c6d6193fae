"""Pauses the syncing of a folder, from any process: a mark beside its state."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from docstore_sync.state_folder import state_folder

CHECK_SECONDS = 1.0
"""Interval at which a running engine looks for the mark, which another process makes."""


class Paused(Exception):
    """The folder is paused."""


def is_paused(folder: Path) -> bool:
    return _mark(folder).exists()


def pause(folder: Path) -> None:
    """Have the folder's engine do nothing until `resume`, now and after a restart. OSError."""
    _mark(folder).touch()


def resume(folder: Path) -> None:
    """Let the folder's engine continue. OSError."""
    _mark(folder).unlink(missing_ok=True)


async def run_unpaused(folder: Path, work: Callable[[], Coroutine[Any, Any, None]], paused: Callable[[], None]) -> None:
    """Run `work` until it ends or raises; cancel it when the folder is paused, and start again after that."""
    while True:
        if is_paused(folder):
            paused()
            await _marked(folder, until=False)
        working = asyncio.create_task(work())
        pausing = asyncio.create_task(_marked(folder, until=True))
        try:
            await asyncio.wait((working, pausing), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                with suppress(Paused):  # it saw the mark first
                    return working.result()
        finally:
            working.cancel()
            pausing.cancel()
            await asyncio.gather(working, pausing, return_exceptions=True)


async def _marked(folder: Path, *, until: bool) -> None:
    while is_paused(folder) is not until:  # noqa: ASYNC110  it has no event of the process that pauses
        await asyncio.sleep(CHECK_SECONDS)


def _mark(folder: Path) -> Path:
    return state_folder(folder) / "paused"
