"""Files of a backup: private, synced to disk before they count, verified by hash when read."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import zstandard

from docstore_standalone.backup.manifest import BackupDamaged, Part

CHUNK = 1 << 20
ZSTD_LEVEL = 3


def make_folder(folder: Path) -> Path:
    """Create it with its parents, private to its owner."""
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)  # another thread may create it concurrently
    return folder


def create(path: Path) -> IO[bytes]:
    """Create or truncate a file, private to its owner."""
    path.unlink(missing_ok=True)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sync_folder(folder: Path) -> None:
    """Sync the folder's entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Hashing:
    """Writes through to a file, hashing and counting."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        self._file.write(data)
        return len(data)


class PackedWriter:
    """Writes a part in zstd; `part` is set when the block has ended and the file is synced."""

    part: Part

    def __init__(self, root: Path, path: str) -> None:
        self._path = path
        make_folder((root / path).parent)
        self._file = create(root / path)
        self._hashing = _Hashing(self._file)
        hashing: Any = self._hashing  # only used for writing
        self._packing: Any = zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(hashing, closefd=False)

    def write(self, data: bytes) -> None:
        self._packing.write(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._packing.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                self.part = Part(path=self._path, size=self._hashing.size, sha256=self._hashing.digest.hexdigest())


def check_part(root: Path, part: Part) -> None:
    """BackupDamaged unless it matches the manifest."""
    path = root / part.path
    try:
        if path.stat().st_size == part.size and sha256_of(path) == part.sha256:
            return
    except OSError as error:
        raise BackupDamaged(f"{path} can't be read: {error}") from error
    raise BackupDamaged(f"{path} is damaged: it does not match its manifest")


@contextmanager
def unpacked(root: Path, part: Part) -> Iterator[IO[bytes]]:
    """Decompress a part after `check_part`."""
    with (root / part.path).open("rb") as file:
        yield io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file), CHUNK)
