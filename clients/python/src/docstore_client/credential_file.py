"""Credentials in a file that only its owner may read, shared by all programs of that person on a machine."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import orjson

from docstore_client.credentials import Credentials

POLL_SECONDS = 0.02


class CredentialFile:
    """A CredentialStore of one JSON file. Needs a POSIX system: the lock beside it is flock's, which ends with its
    holder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """Polls instead of blocking, so that whoever waits can be cancelled."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _try_lock(lock):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
            yield
        finally:
            os.close(lock)

    def load(self) -> Credentials | None:
        """A file that is not one of ours is as none."""
        try:
            return Credentials(**orjson.loads(self.path.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def save(self, credentials: Credentials) -> None:
        """Replaces the one before at once or not at all. Only while `renewing` is held."""
        new = self.path.with_name(f"{self.path.name}.new")
        with suppress(FileNotFoundError):
            new.unlink()  # what a killed program left may have another mode
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps(asdict(credentials)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
