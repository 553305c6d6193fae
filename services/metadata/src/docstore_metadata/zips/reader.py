"""Reads the bytes of a ZIP by its plan, from any byte on."""

import asyncio
import hashlib
import zlib
from array import array
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from docstore_contents.packs import pack_of
from docstore_contents.reader import ContentDamaged, Contents
from docstore_metadata.downloads.rules import ByteRange
from docstore_metadata.zips.plan import Planned, ZipPlan
from docstore_metadata.zips.repository import UNKNOWN

SMALL_BYTES = 1 << 20
"""Contents up to this size are read whole, several ahead: for the store each is a request, whatever its size."""
WINDOW = 512
WINDOW_BYTES = 4 << 20
"""Entries that are fetched together, and the bytes after which no more are added. One window is sent, one fetched."""
PARALLEL = 16
SENT_TOGETHER_BYTES = 128 << 10
MAX_READ_AGAIN_BYTES = 1 << 30
"""A ZIP that broke off in the middle of a file continues there if no more than this has to be read for its checksum."""

Fetching = asyncio.Task[Mapping[str, bytes]] | None
"""Contents by their keys; None for an entry that is read when it is its turn."""


@dataclass(slots=True)
class ZipReader:
    """Reads one ZIP; adds the checksums of what it reads to `checksums`."""

    contents: Contents
    plan: ZipPlan
    checksums: "array[int]"

    def can_begin_at(self, start: int) -> bool:
        """Whether the known checksums suffice to continue from this byte."""
        for number, planned in self.plan.planned():
            if start <= planned.content_offset:
                return True
            if planned.entry.size and self.checksums[number] == UNKNOWN:
                sent = start - planned.content_offset
                return sent < planned.entry.size and sent <= MAX_READ_AGAIN_BYTES
        return True

    async def parts(self, wanted: ByteRange) -> AsyncGenerator[bytes]:
        """The bytes of this range; small pieces are put together."""
        together = bytearray()
        async with aclosing(self._pieces(wanted)) as pieces:
            async for at, piece in pieces:
                cut = _within(wanted, at, piece)
                if len(together) + len(cut) > SENT_TOGETHER_BYTES and together:
                    yield bytes(together)
                    together.clear()
                if len(cut) >= SENT_TOGETHER_BYTES:
                    yield cut
                else:
                    together += cut
        if together:
            yield bytes(together)

    async def _pieces(self, wanted: ByteRange) -> AsyncGenerator[tuple[int, bytes]]:
        """Pieces of the ZIP that contain the range, each with its position."""
        async with aclosing(self._ahead(wanted)) as entries:
            async for number, planned, fetching in entries:
                yield planned.offset, planned.header
                async with aclosing(self._content(number, planned, fetching, wanted)) as pieces:
                    async for piece in pieces:
                        yield piece
                descriptor = planned.entry.descriptor(max(self.checksums[number], 0))
                yield planned.end - len(descriptor), descriptor
        if wanted.end > self.plan.directory_offset:
            async with aclosing(self._directory()) as pieces:
                async for piece in pieces:
                    yield piece

    async def _content(
        self, number: int, planned: Planned, fetching: Fetching, wanted: ByteRange
    ) -> AsyncGenerator[tuple[int, bytes]]:
        """The content of an entry, from the start of the range on; from its own start if that is needed for its
        checksum."""
        size, begins = planned.entry.size, planned.content_offset
        is_known = self.checksums[number] != UNKNOWN
        start = max(wanted.start - begins, 0) if is_known else 0
        end = min(wanted.end - begins, size)
        if not size:
            self.checksums[number] = 0
        if start >= end:
            return
        if fetching is not None:
            start, end = 0, size
        at, checksum = start, 0
        async with aclosing(self._read(planned, fetching, start, end)) as pieces:
            async for piece in pieces:
                checksum = zlib.crc32(piece, checksum)
                yield begins + at, piece
                at += len(piece)
        if start == 0 and end == size:
            self.checksums[number] = checksum

    async def _read(self, planned: Planned, fetching: Fetching, start: int, end: int) -> AsyncGenerator[bytes]:
        if fetching is not None:
            yield (await fetching)[planned.object_key]
            return
        size = planned.entry.size
        source = self.contents.stream(planned.object_key, size, start, end, sha256=planned.sha256)
        async with aclosing(source) as pieces:
            async for piece in pieces:
                yield piece

    async def _ahead(self, wanted: ByteRange) -> AsyncGenerator[tuple[int, Planned, Fetching]]:
        """The entries in the range, while the small contents of the next ones are being fetched."""
        upcoming = self._entries(wanted)
        windows = deque([self._window(upcoming), self._window(upcoming)])
        try:
            while windows[0].entries:
                for number, planned in windows[0].entries:
                    yield number, planned, windows[0].fetching.get(planned.object_key)
                windows.popleft()
                windows.append(self._window(upcoming))
        finally:
            tasks = {task for window in windows for task in window.fetching.values()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _window(self, upcoming: Iterator[tuple[int, Planned]]) -> "_Window":
        """The next entries; begins to fetch their small contents, those of one pack together."""
        entries: list[tuple[int, Planned]] = []
        groups: defaultdict[str, dict[str, Planned]] = defaultdict(dict)
        held = 0
        while len(entries) < WINDOW and held < WINDOW_BYTES and (item := next(upcoming, None)) is not None:
            entries.append(item)
            planned = item[1]
            if 0 < planned.entry.size <= SMALL_BYTES:
                held += planned.entry.size
                named = pack_of(planned.object_key)
                groups[named.pack_key if named else planned.object_key][planned.object_key] = planned
        room = asyncio.Semaphore(PARALLEL)
        fetching: dict[str, asyncio.Task[Mapping[str, bytes]]] = {}
        for group in groups.values():
            fetching |= dict.fromkeys(group, asyncio.create_task(self._fetch([*group.values()], room)))
        return _Window(entries, fetching)

    async def _fetch(self, group: Sequence[Planned], room: asyncio.Semaphore) -> Mapping[str, bytes]:
        """The contents of these, verified: one, or slices of one pack."""
        async with room:
            first = group[0]
            pack = pack_of(first.object_key)
            if pack is None:
                return {first.object_key: await self.contents.read(first.object_key, first.entry.size, first.sha256)}
            named = {each.object_key: slice_ for each in group if (slice_ := pack_of(each.object_key))}
            slices = await self.contents.slices(pack.pack_key, [slice_.number for slice_ in named.values()])
        found = {key: slices[slice_.number] for key, slice_ in named.items()}
        for planned in group:
            if hashlib.sha256(found[planned.object_key]).hexdigest() != planned.sha256:
                raise ContentDamaged(f"{planned.object_key} has another hash than recorded")
        return found

    def _entries(self, wanted: ByteRange) -> Iterator[tuple[int, Planned]]:
        for number, planned in self.plan.planned(wanted.start):
            if planned.offset >= wanted.end:
                return
            yield number, planned

    async def _directory(self) -> AsyncGenerator[tuple[int, bytes]]:
        at, together = self.plan.directory_offset, bytearray()
        for number, planned in self.plan.planned():
            together += planned.entry.central_header(max(self.checksums[number], 0), planned.offset)
            if len(together) >= SENT_TOGETHER_BYTES:
                yield at, bytes(together)
                at += len(together)
                together.clear()
                await asyncio.sleep(0)  # other requests take turns with a long directory
        yield at, bytes(together) + self.plan.end_records()


@dataclass(frozen=True, slots=True)
class _Window:
    entries: Sequence[tuple[int, Planned]]
    fetching: Mapping[str, asyncio.Task[Mapping[str, bytes]]]


def _within(wanted: ByteRange, at: int, piece: bytes) -> bytes:
    """The part of a piece at this position that is in the range."""
    if wanted.start <= at and at + len(piece) <= wanted.end:
        return piece
    return piece[max(wanted.start - at, 0) : max(wanted.end - at, 0)]
