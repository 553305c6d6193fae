"""Folders in memory for what the servers of tests store: they waited for the disk a third of the time."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psutil

MEMORY = Path("/dev/shm")
PREFIX = "docstore-tests-"
ROOM = 6 << 30
"""A set of servers stores less than 500 MiB, and not many run at a time."""


@contextmanager
def memory_folder(on_disk: Path) -> Iterator[Path]:
    """A folder in memory where there is plenty, else the one on disk. Logs are on disk in the end."""
    if not _has_room():
        yield on_disk
        return
    _remove_leftovers()
    in_memory = Path(mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=MEMORY))
    try:
        yield in_memory
    finally:
        if (in_memory / "logs").is_dir():  # servers in containers have none here
            shutil.copytree(in_memory / "logs", on_disk / "logs")
        shutil.rmtree(in_memory)


def _has_room() -> bool:
    if not MEMORY.is_dir():
        return False
    return min(psutil.virtual_memory().available, psutil.disk_usage(str(MEMORY)).free) > ROOM


def _remove_leftovers() -> None:
    """Those of runs that were killed."""
    for folder in MEMORY.glob(f"{PREFIX}*"):
        process = int(folder.name.removeprefix(PREFIX).partition("-")[0])
        if not psutil.pid_exists(process):
            shutil.rmtree(folder, ignore_errors=True)
