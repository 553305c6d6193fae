"""Credentials in a file readable only by its owner, shared by that person's programs on a machine."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import orjson

from docstore_client.credentials import Credentials
from docstore_client.file_lock import try_lock

POLL_SECONDS = 0.02


class CredentialFile:
    """A CredentialStore of one JSON file, with a lock file beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """Poll instead of blocking, so that waiting can be cancelled."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not try_lock(lock):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
            yield
        finally:
            os.close(lock)

    def load(self) -> Credentials | None:
        """Read the credentials; None if the file has another format."""
        try:
            return Credentials(**orjson.loads(self.path.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def save(self, credentials: Credentials) -> None:
        """Replace the file atomically. Call only while `renewing` is held."""
        new = self.path.with_name(f"{self.path.name}.new")
        with suppress(FileNotFoundError):
            new.unlink()  # leftovers of a killed program may have another mode
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps(asdict(credentials)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
