"""The plan of a ZIP: its entries, length and ETag, known before a byte is read.

Entries are kept compressed, a page at a time, so that a plan of 100,000 files takes some megabytes.
"""

import hashlib
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter

import orjson

from docstore_contents.zip_format import ZipEntry, end_records
from docstore_metadata.zips.rules import MAX_ENTRIES, MAX_PATHS_BYTES
from docstore_platform.errors import TooLarge

PAGE = 1000
MAX_READ_IDS = 1000
FAST = 1
"""Compression level: paths and keys repeat so much that higher ones save little."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An entry with the content to put there; a folder has none. `offset` is where it begins in the ZIP."""

    entry: ZipEntry
    object_key: str
    sha256: str
    offset: int
    header: bytes

    @property
    def content_offset(self) -> int:
        return self.offset + len(self.header)

    @property
    def end(self) -> int:
        """Where the next entry begins."""
        return self.content_offset + self.entry.size + len(self.entry.descriptor(0))


@dataclass(frozen=True, slots=True)
class ZipPlan:
    pages: tuple[tuple[int, bytes], ...]
    """Where the first entry of each begins in the ZIP, and its entries."""
    entries: int
    files: int
    read_ids: tuple[str, ...]
    """Ids of the files; of what was asked for if there are too many."""
    directory_offset: int
    size: int
    """Bytes of the whole ZIP."""
    digest: str
    """Identifies the bytes of the ZIP."""

    def planned(self, start: int = 0) -> Iterator[tuple[int, Planned]]:
        """The entries by their number, in order; those that end after byte `start` of the ZIP."""
        first_page = max(bisect_right(self.pages, start, key=itemgetter(0)) - 1, 0)
        for number_of_page, (offset, page) in enumerate(self.pages[first_page:], first_page):
            rows = orjson.loads(zlib.decompress(page))
            for number, (path, size, modified_at, object_key, sha256) in enumerate(rows, number_of_page * PAGE):
                entry = ZipEntry(path, size, modified_at)
                planned = Planned(entry, object_key, sha256, offset, entry.local_header())
                offset = planned.end
                if offset > start:
                    yield number, planned

    def end_records(self) -> bytes:
        directory_bytes = self.size - self.directory_offset - len(self._end(0))
        return self._end(directory_bytes)

    def _end(self, directory_bytes: int) -> bytes:
        return end_records(self.entries, self.directory_offset, directory_bytes)


@dataclass(slots=True)
class PlanBuilder:
    """Collects the entries of a plan. Raises TooLarge beyond the limits."""

    _pages: list[tuple[int, bytes]] = field(default_factory=list)
    _rows: list[tuple[object, ...]] = field(default_factory=list)
    _read_ids: list[str] = field(default_factory=list)
    _entries: int = 0
    _files: int = 0
    _offset: int = 0
    _page_offset: int = 0
    _directory_bytes: int = 0
    _paths_bytes: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add_folder(self, path: str, modified_at: int) -> None:
        self._add(ZipEntry(path + "/", 0, modified_at), "", "")

    def add_file(self, entry: ZipEntry, file_id: str, object_key: str, sha256: str) -> None:
        self._files += 1
        if self._files <= MAX_READ_IDS:
            self._read_ids.append(file_id)
        self._add(entry, object_key, sha256)

    def _add(self, entry: ZipEntry, object_key: str, sha256: str) -> None:
        planned = Planned(entry, object_key, sha256, self._offset, entry.local_header())
        self._entries += 1
        self._paths_bytes += len(entry.path.encode())
        if self._entries > MAX_ENTRIES or self._paths_bytes > MAX_PATHS_BYTES:
            detail = f"A ZIP has at most {MAX_ENTRIES:,} files and folders: download the folders in it one by one."
            raise TooLarge(detail, code="too_many_files", max_entries=MAX_ENTRIES)
        if not self._rows:
            self._page_offset = self._offset
        self._rows.append((entry.path, entry.size, entry.modified_at, object_key, sha256))
        self._directory_bytes += len(entry.central_header(0, self._offset))
        self._offset = planned.end
        if len(self._rows) == PAGE:
            self._close_page()

    def _close_page(self) -> None:
        data = orjson.dumps(self._rows)
        self._hash.update(data)
        self._pages.append((self._page_offset, zlib.compress(data, FAST)))
        self._rows = []

    def finish(self, wanted_ids: tuple[str, ...]) -> ZipPlan:
        """The plan of what was asked for by these ids."""
        self._close_page()
        end = end_records(self._entries, self._offset, self._directory_bytes)
        return ZipPlan(
            tuple(self._pages),
            self._entries,
            self._files,
            tuple(self._read_ids) if self._files <= MAX_READ_IDS else wanted_ids,
            self._offset,
            self._offset + self._directory_bytes + len(end),
            self._hash.hexdigest(),
        )
