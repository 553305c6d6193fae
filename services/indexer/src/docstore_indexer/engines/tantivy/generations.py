"""Folders of an index: one serves, a second may be under construction, and a file names the serving one.

    LOCK                 held by the process that has the index
    CURRENT              {"folder": "0000000000000007", "complete": true, "schema": 1}
    0000000000000007/    the serving generation

CURRENT is replaced by a rename, so it names one complete generation at any time, even after kill -9. Any other folder
is a leftover and is removed at the start.
"""

import fcntl
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from docstore_indexer.engines.engine import EngineFailed


@dataclass(frozen=True, slots=True)
class Current:
    """Contents of CURRENT. `complete`: it has contained every file; false after a loss until a rebuild ends."""

    folder: str
    complete: bool
    schema: int


class Generations:
    """The folders under `root`. Use it from one thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock: IO[bytes] | None = None

    def lock(self) -> None:
        """Lock the index for this process. Raises EngineFailed if another process has it."""
        self._root.mkdir(parents=True, exist_ok=True)
        lock = (self._root / "LOCK").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise EngineFailed(f"another process has the index in {self._root}") from error
        self._lock = lock

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def current(self) -> Current | None:
        """Return the serving generation; None if there is no index yet. ValueError if CURRENT is unreadable."""
        try:
            return Current(**json.loads((self._root / "CURRENT").read_bytes()))
        except FileNotFoundError:
            return None
        except TypeError as error:
            raise ValueError("CURRENT has unknown contents") from error

    def path(self, current: Current) -> Path:
        return self._root / current.folder

    def create(self) -> str:
        """Create an empty folder, numbered after all others."""
        numbers = [int(folder.name) for folder in self._folders()]
        name = f"{max(numbers, default=0) + 1:016d}"
        (self._root / name).mkdir()
        return name

    def switch(self, current: Current) -> None:
        """Make `current` the serving generation, durably, and remove the others."""
        draft = self._root / "CURRENT.draft"
        with draft.open("wb") as file:
            file.write(json.dumps(asdict(current)).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._root / "CURRENT")
        handle = os.open(self._root, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        self.sweep(current)

    def sweep(self, current: Current) -> None:
        """Remove every folder but the serving one."""
        for folder in self._folders():
            if folder.name != current.folder:
                self.remove(folder.name)

    def remove(self, name: str) -> None:
        shutil.rmtree(self._root / name, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return [entry for entry in self._root.iterdir() if entry.is_dir() and entry.name.isdigit()]
