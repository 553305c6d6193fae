"""Keeps writes to the index in the order of the file changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime

from docstore_indexer.engines.engine import IndexedDocument, SearchEngine
from docstore_indexer.indexing.rules import Entry

REMEMBERED = 100_000
_YIELD_EVERY = 32
_CHANGE_BITS = 20


class OrderedIndex:
    """The engine for the queues: late work on an old state of a file has no effect.

    A slow extraction of version 1 may end after version 2 was written, or after the file was removed.
    """

    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine
        self._written: OrderedDict[str, int] = OrderedDict()
        self._lock = asyncio.Lock()

    async def put(self, entries: Iterable[Entry], texts: dict[str, str] | None = None) -> None:
        """Index files by their names, and by their texts where given (by file id)."""
        known = texts or {}
        for number, entry in enumerate(entries):
            if number % _YIELD_EVERY == _YIELD_EVERY - 1:
                await asyncio.sleep(0)  # building documents is CPU work: let other tasks run
            async with self._lock:
                if self._is_newest(entry):
                    await self._engine.upsert([document_of(entry, known.get(entry.file.file_id))])

    async def remove(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            async with self._lock:
                if self._is_newest(entry):
                    await self._engine.delete({entry.file.file_id: number_of(entry)})

    async def flush(self) -> None:
        await self._engine.flush()

    def _is_newest(self, entry: Entry) -> bool:
        file_id = entry.file.file_id
        if entry.change < self._written.get(file_id, 0):
            return False
        self._written[file_id] = entry.change
        self._written.move_to_end(file_id)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)
        return True


def document_of(entry: Entry, text: str | None) -> IndexedDocument:
    """Return a file's index document; its owner is a reader, too."""
    file = entry.file
    return IndexedDocument(
        file_id=file.file_id,
        owner_id=file.owner_id,
        readers=(file.owner_id, *file.readers),
        name=file.name,
        tags=file.tags,
        metadata=file.metadata,
        kind=file.kind,
        content_type=file.content_type,
        size=file.size,
        version=file.version,
        created_at=whole(file.created_at),
        modified_at=whole(file.modified_at),
        text=text,
        change=number_of(entry),
    )


def number_of(entry: Entry) -> int:
    """Return a number that rises with every change of a file: by its revision first, which survives a lost database."""
    return (entry.file.revision << _CHANGE_BITS) + min(entry.change, (1 << _CHANGE_BITS) - 1)


def whole(moment: datetime) -> datetime:
    """Round to MongoDB's precision, so that searches by date find the same after a rebuild."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
