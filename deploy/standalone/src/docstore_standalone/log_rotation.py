"""Keeps the log files of a stack short: what is in a long one moves to `NAME.log.1`, in place of what is there.

The servers go on writing to the file they have opened, which is emptied: each of them appends. A line that is written
between the copy and the emptying is lost.
"""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from docstore_work.loop import Loop, running_loops

LONGEST_BYTES = 16 << 20
CHECK_SECONDS = 60.0


def rotate(folder: Path, longest_bytes: int = LONGEST_BYTES) -> None:
    """Move what is in each longer log file of `folder`."""
    for path in folder.glob("*.log"):
        if path.stat().st_size > longest_bytes:
            with path.open("rb") as old, path.with_name(f"{path.name}.1").open("wb") as kept:
                os.fchmod(kept.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))
                shutil.copyfileobj(old, kept)  # to the end, also of what is written meanwhile
                kept.flush()
                os.truncate(path, 0)


@asynccontextmanager
async def log_rotation_running(folder: Path) -> AsyncIterator[None]:
    """Rotate the log files of `folder` at intervals until the block ends."""

    async def check() -> None:
        await asyncio.to_thread(rotate, folder)

    async with running_loops([Loop.periodic("standalone log files", check, CHECK_SECONDS)]):
        yield
