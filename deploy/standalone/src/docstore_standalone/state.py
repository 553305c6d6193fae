"""State of a data folder's stack: DATA/stack.json, and the lock that admits one stack at a time."""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from pydantic import BaseModel, Field

from docstore_standalone.ports import PortBook
from docstore_standalone.supervision.processes import ProcessId

STATE_FILE = "stack.json"
LOCK_FILE = "stack.lock"
RESTORING_FILE = "restoring.json"
"""Exists while a backup is being restored into the folder, which can't be started until that is done."""
LOOK_SECONDS = 0.3
"""How long a start waits for others to look whether a stack runs, for which they hold the lock for a moment."""
RETRY_SECONDS = 0.01

log = structlog.get_logger(__name__)


class AlreadyRunning(Exception):
    """Another process runs the stack of this data folder."""


class OtherLayout(Exception):
    """The data folder contains one stack instead of several regions, or the other way round."""


class HalfRestored(Exception):
    """The restore of a backup into the data folder is incomplete."""


class SecretsMissing(OSError):
    """The secrets of the data folder are not where they should be."""


class StackState(BaseModel):
    """State of the last start; current while the lock is held."""

    format: int = 1
    folder: str = Field("", description="the data folder, which differs in a copy of it")
    ports: dict[str, int] = Field(default_factory=dict)
    supervisor: ProcessId | None = None
    processes: dict[str, ProcessId] = Field(default_factory=dict)
    addresses: dict[str, str] = Field(default_factory=dict, description="address of each component for its clients")
    credentials_file: str = Field("", description="path in the data folder, or an absolute one")
    regions: list[str] = Field(
        default_factory=list, description="each is a stack in the sub-folder of its name; empty: a single stack"
    )


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically; private to its owner."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_state(folder: Path) -> StackState:
    """Return the folder's state; a new one if there is none."""
    try:
        return StackState.model_validate_json((folder / STATE_FILE).read_bytes())
    except FileNotFoundError:
        return StackState()


def is_region(folder: Path) -> bool:
    """Whether it is the folder of one of several regions."""
    return folder.name in read_state(folder.parent).regions


def region_folders(folder: Path, state: StackState) -> dict[str, Path]:
    """Return the data folder of each region of a running stack; `{"": folder}` for a single stack."""
    return {name: folder / name for name in state.regions} or {"": folder}


def write_state(folder: Path, state: StackState) -> None:
    write_private(folder / STATE_FILE, json.dumps(state.model_dump(mode="json"), indent=2))


class StateFile:
    """Keeps stack.json up to date while the stack runs."""

    def __init__(self, folder: Path, ports: PortBook, credentials_file: str) -> None:
        self.folder, self.ports = folder, ports
        supervisor = ProcessId.of(os.getpid())
        self.state = StackState(folder=str(folder), supervisor=supervisor, credentials_file=credentials_file)

    def processes(self, processes: dict[str, ProcessId]) -> None:
        """Record the processes of now. If the disk is full, they run all the same; the next change is recorded."""
        self.state = self.state.model_copy(update={"processes": processes})
        try:
            self.write()
        except OSError as error:
            log.warning("stack_state_not_written", reason=str(error))

    def write(self, addresses: Mapping[str, str] | None = None) -> None:
        update = {"ports": self.ports.as_dict(), "addresses": {**self.state.addresses, **(addresses or {})}}
        self.state = self.state.model_copy(update=update)
        write_state(self.folder, self.state)


def _lock(file: int, kind: int) -> bool:
    """Take a lock; return False if another one excludes it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class StackLock:
    """Held while a stack runs in a data folder; the operating system releases it when the holder dies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: int | None = None

    def acquire(self) -> Self:
        """Take the lock; AlreadyRunning if another process, or another stack of this process, holds it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self.folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOOK_SECONDS
        while not _lock(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                os.close(file)
                holder = read_state(self.folder).supervisor
                by = f" (process {holder.pid})" if holder else ""
                raise AlreadyRunning(f"a stack is already running in {self.folder}{by}")
            time.sleep(RETRY_SECONDS)
        self._file = file
        return self

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def running_state(folder: Path) -> StackState | None:
    """Return the state of the stack that runs in `folder`; None if none does."""
    if not (folder / LOCK_FILE).exists():
        return None
    file = os.open(folder / LOCK_FILE, os.O_RDONLY)
    try:
        is_free = _lock(file, fcntl.LOCK_SH)  # shared, since others may look at the same moment
    finally:
        os.close(file)
    return None if is_free else read_state(folder)
