"""Where the state of a synced folder is, and the lock by which one process at a time uses it."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docstore_client.file_lock import try_lock


class FolderInUse(Exception):
    """Another process is syncing the folder."""


def state_folder(folder: Path) -> Path:
    """Directory of a synced folder's state, by the XDG base directory specification."""
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return _home() / "sync" / digest


def own_folders() -> list[Path]:
    """DocStore's own directories on this machine: states of synced folders, and the log-in."""
    return [_home(), *([Path.home() / "Library/Application Support/docstore"] if sys.platform == "darwin" else [])]


def _home() -> Path:
    named = os.environ.get("XDG_STATE_HOME", "")
    base = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    return base / "docstore"


def is_in_use(folder: Path) -> bool:
    """Whether a process syncs the folder now."""
    try:
        with locked(state_folder(folder) / "lock"):
            return False
    except FolderInUse:
        return True
    except FileNotFoundError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a file until the process ends."""
    with path.open("a+b") as file:
        if not try_lock(file.fileno()):
            raise FolderInUse
        yield
