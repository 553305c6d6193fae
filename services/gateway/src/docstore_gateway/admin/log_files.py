"""Logs of the services on this machine, read backwards from the end of their files."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from docstore_gateway.admin.logs import Entry, LogFilter
from docstore_platform.services import SERVICE_NAMES

READ_BYTES = 8 << 20
"""Bytes of each file that are searched, from its end: bounds time and memory of a search."""
FILES = [f"{name}.log{rotated}" for name in ("services", *SERVICE_NAMES) for rotated in ("", ".1")]


class LogFiles:
    """The log files in `folder`."""

    def __init__(self, folder: Path, read_bytes: int = READ_BYTES) -> None:
        self._folder, self._read_bytes = folder, read_bytes

    async def newest(self, wanted: LogFilter, limit: int) -> tuple[Sequence[Entry], bool]:
        return await asyncio.to_thread(self._newest, wanted, limit)

    def _newest(self, wanted: LogFilter, limit: int) -> tuple[Sequence[Entry], bool]:
        found: list[Entry] = []
        is_partial = False
        for name in FILES:
            path = self._folder / name
            if path.exists():
                is_partial = is_partial or path.stat().st_size > self._read_bytes
                found += _newest_of(path, wanted, limit, self._read_bytes)
        return found, is_partial


def _newest_of(path: Path, wanted: LogFilter, limit: int, read_bytes: int) -> list[Entry]:
    found: list[Entry] = []
    for line in _lines_from_end(path, read_bytes):
        if (entry := wanted.matching(line)) is not None:
            found.append(entry)
            if len(found) == limit:
                break
    return found


def _lines_from_end(path: Path, read_bytes: int) -> Iterator[bytes]:
    """Iterate over the last lines, the last one first; a line cut off at the start is left out."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = max(0, size - read_bytes)
        file.seek(start)
        lines = file.read(read_bytes).split(b"\n")
    yield from reversed(lines[1:] if start else lines)
