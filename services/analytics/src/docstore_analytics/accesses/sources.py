"""Sources of access logs: files of a folder or objects of a bucket, read line by line from a position on."""

import asyncio
import gzip
import shutil
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from docstore_analytics.accesses.formats import FORMATS
from docstore_analytics.accesses.rules import Access, LogKind
from docstore_contents.s3.store import ObjectStore

PAGE = 1000
LINE_BYTES = 64 * 1024
BATCH_LINES = 2000
GZIP_MAGIC = b"\x1f\x8b"

Numbered = tuple[int, Access]
"""The number of its line, and an access."""


@dataclass(frozen=True, slots=True)
class LogFile:
    key: str
    modified_at: datetime


class LogSource(Protocol):
    """Log files of one bucket or distribution; their names grow with time. They never change."""

    kind: LogKind
    name: str
    is_ordered: bool
    """Files appear in the order of their names."""

    async def page(self, after: str) -> Sequence[LogFile]:
        """Return the next files by name; empty at the end."""

    async def fetch(self, key: str, path: Path, max_bytes: int) -> object:
        """Copy a file to `path`. ObjectTooLarge, ObjectNotFound, FileNotFoundError."""

    async def sized(self, accesses: Sequence[Numbered]) -> Sequence[Numbered]:
        """Return the accesses with those sizes that the log lacks and the source knows."""


class BucketLogs:
    """Files below a prefix of a bucket."""

    is_ordered = False

    def __init__(self, kind: LogKind, objects: ObjectStore, prefix: str) -> None:
        self.kind, self.objects, self.prefix = kind, objects, prefix
        self.name = f"s3://{objects.config.bucket}/{prefix}"

    async def page(self, after: str) -> Sequence[LogFile]:
        found = await self.objects.list_page(self.prefix, after=after, limit=PAGE)
        return [LogFile(each.key, each.modified_at) for each in found]

    async def fetch(self, key: str, path: Path, max_bytes: int) -> object:
        return await self.objects.download(key, path, max_bytes)

    async def sized(self, accesses: Sequence[Numbered]) -> Sequence[Numbered]:
        return accesses


class FolderLogs:
    """Files in a folder of this machine: the embedded store's log, without sizes.

    What was read whole has the size of its object; of a range it is unknown.
    """

    kind: LogKind = "embedded"
    name = "embedded"
    is_ordered = True

    def __init__(self, folder: Path, contents: ObjectStore) -> None:
        self.folder, self.contents = folder, contents

    async def page(self, after: str) -> Sequence[LogFile]:
        def found() -> list[LogFile]:
            names = sorted(path.name for path in self.folder.glob("*.log") if path.name > after)[:PAGE]
            times = ((self.folder / name).stat().st_mtime for name in names)
            return [LogFile(name, datetime.fromtimestamp(time, UTC)) for name, time in zip(names, times, strict=True)]

        return await asyncio.to_thread(found)

    async def fetch(self, key: str, path: Path, max_bytes: int) -> object:
        return await asyncio.to_thread(shutil.copyfile, self.folder / key, path)

    async def sized(self, accesses: Sequence[Numbered]) -> Sequence[Numbered]:
        bucket = self.contents.config.bucket
        keys = sorted({each.key for _, each in accesses if each.is_whole_read and each.bucket == bucket})
        sizes = {found.key: found.size for found in await self.contents.head_many(keys) if found}
        return [
            (number, replace(each, bytes=sizes[each.key], object_bytes=sizes[each.key]))
            if each.is_whole_read and each.key in sizes
            else (number, each)
            for number, each in accesses
        ]


@dataclass(slots=True)
class LineBatch:
    """Consecutive lines of a file: their accesses by line number, and what can't be read."""

    accesses: list[Numbered] = field(default_factory=list)
    end: int = 0
    """Number of the line after them."""
    malformed: int = 0
    is_last: bool = False


def batches(path: Path, kind: LogKind, begin: int) -> Iterator[LineBatch]:
    """Parse a file, gzipped or not, from line `begin` on."""
    parse, batch = FORMATS[kind]().parse, LineBatch(end=begin)
    for number, line in enumerate(_lines(path)):
        access, is_malformed = None, line is None
        try:
            access = parse(line.decode(errors="replace").rstrip("\r\n")) if line and line.strip() else None
        except ValueError:
            is_malformed = True
        if number < begin:  # parsed all the same: a line may name the fields of others
            continue
        if access is not None:
            batch.accesses.append((number, access))
        batch.malformed += is_malformed
        batch.end = number + 1
        if len(batch.accesses) + batch.malformed == BATCH_LINES:
            yield batch
            batch = LineBatch(end=batch.end)
    batch.is_last = True
    yield batch


def _lines(path: Path) -> Iterator[bytes | None]:
    """Yield the lines; None for one that is too long, and in place of the damaged end of a gzipped file."""
    with path.open("rb") as raw:
        is_gzip = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        file = gzip.GzipFile(fileobj=raw) if is_gzip else raw
        try:
            while line := file.readline(LINE_BYTES):
                is_cut = len(line) == LINE_BYTES and not line.endswith(b"\n")
                yield None if is_cut else line
                while is_cut:
                    is_cut = len(file.readline(LINE_BYTES)) == LINE_BYTES
        except (EOFError, gzip.BadGzipFile, zlib.error):
            yield None
