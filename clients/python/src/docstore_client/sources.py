"""What is to be sent: local files and where they go."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docstore_client.errors import DocStoreError, LocalError

Progress = Callable[[int], None]
"""Told how many more bytes have been moved; negative for those that are to be moved again."""


@dataclass(frozen=True, slots=True)
class Source:
    """A local file to be sent to `path`, or as the next version of `file_id`."""

    local: Path
    path: str | None = None
    file_id: str | None = None
    parent_id: str | None = None
    base_version: int | None = None
    on_conflict: str = "copy"
    tags: Sequence[str] = ()
    measured: tuple[int, str] | None = None
    """Its size and SHA-256, if they are known; what differs from it then is refused."""

    def wish(self, size: int, sha256: str) -> dict[str, Any]:
        """The fields of one upload in a request that starts uploads."""
        wish: dict[str, Any] = {"size": size, "sha256": sha256, "on_conflict": self.on_conflict}
        for name in ("path", "file_id", "parent_id", "base_version"):
            if getattr(self, name) is not None:
                wish[name] = getattr(self, name)
        with suppress(OSError):  # what can't be read any more is told when it is sent
            changed = datetime.fromtimestamp(self.local.stat().st_mtime, UTC)
            wish["client_modified_at"] = changed.isoformat(timespec="milliseconds")
        return {**wish, "tags": list(self.tags)} if self.tags else wish

    async def measure(self) -> tuple[int, str]:
        """Its size and SHA-256."""
        if self.measured is not None:
            return self.measured
        return await asyncio.to_thread(measure, self.local)

    @property
    def is_plain(self) -> bool:
        """Nothing but a path: an upload of the same bytes to the same path is the same upload."""
        return self.path is not None and self == Source(self.local, self.path, measured=self.measured)

    def size_now(self) -> int:
        """Bytes, as known or as the disk says; 0 if it can't be read, which reading it will tell."""
        if self.measured is not None:
            return self.measured[0]
        try:
            return self.local.stat().st_size
        except OSError:
            return 0


def measure(path: Path) -> tuple[int, str]:
    """Size and hex SHA-256 of a local file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def unreadable(source: Source, error: DocStoreError | OSError) -> DocStoreError:
    return error if isinstance(error, DocStoreError) else LocalError(f"{source.local}: {error.strerror}")
