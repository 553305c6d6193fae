"""Local files to upload, and their targets."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docstore_client.errors import DocStoreError, LocalError

Progress = Callable[[int], None]
"""Called with the number of bytes transferred; negative if they must be transferred again."""


@dataclass(frozen=True, slots=True)
class Source:
    """A local file to upload to `path`, or as the next version of `file_id`."""

    local: Path
    path: str | None = None
    file_id: str | None = None
    parent_id: str | None = None
    base_version: int | None = None
    on_conflict: str = "copy"
    tags: Sequence[str] = ()
    metadata: Mapping[str, str] | None = None
    """Custom metadata of the new version; None: a new file has none, an existing one keeps what it has."""
    measured: tuple[int, str] | None = None
    """Size and SHA-256, if known; a file that differs is refused."""

    def wish(self, size: int, sha256: str) -> dict[str, Any]:
        """Fields of one upload in a request that begins uploads."""
        wish: dict[str, Any] = {"size": size, "sha256": sha256, "on_conflict": self.on_conflict}
        for name in ("path", "file_id", "parent_id", "base_version"):
            if getattr(self, name) is not None:
                wish[name] = getattr(self, name)
        if self.metadata is not None:
            wish["metadata"] = dict(self.metadata)
        with suppress(OSError):  # an unreadable file fails when it is sent
            changed = datetime.fromtimestamp(self.local.stat().st_mtime, UTC)
            wish["client_modified_at"] = changed.isoformat(timespec="milliseconds")
        return {**wish, "tags": list(self.tags)} if self.tags else wish

    async def measure(self) -> tuple[int, str]:
        """Size and SHA-256."""
        if self.measured is not None:
            return self.measured
        return await asyncio.to_thread(measure, self.local)

    @property
    def is_plain(self) -> bool:
        """Whether the target is only a path: such an upload can be resumed."""
        return self.path is not None and self == Source(self.local, self.path, measured=self.measured)

    def size_now(self) -> int:
        """Known size, or the size on disk; 0 if it can't be read, which reading will report."""
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
