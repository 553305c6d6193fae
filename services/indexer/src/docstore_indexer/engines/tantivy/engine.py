"""Embedded search engine: Tantivy with one writer thread, batched commits, and generations for rebuilds."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog
import tantivy

from docstore_indexer.engines.engine import (
    EngineFailed,
    Family,
    IndexedDocument,
    Opened,
    OpenedReason,
    SearchHits,
    SearchQuery,
    Stored,
)
from docstore_indexer.engines.tantivy.generation import MAX_POSITION, Generation
from docstore_indexer.engines.tantivy.generations import Current, Generations
from docstore_indexer.engines.tantivy.schema import LAYOUTS, SCHEMA_VERSION, to_document
from docstore_indexer.engines.write_batches import WriteBatch, WriteBatches
from docstore_platform.errors import DomainError, invalid
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.security.cipher import Cipher
from docstore_platform.telemetry.memory import give_back

log = structlog.get_logger(__name__)
T = TypeVar("T")
Write = tantivy.Document | None


class TantivyEngine:
    """`SearchEngine` in a folder of its own. All of Tantivy runs off the event loop."""

    def __init__(
        self,
        root: Path,
        cipher: Cipher,
        *,
        commit_ms: int = 50,
        idle_seconds: float = 30.0,
        batch_chars: int = 8_000_000,
    ) -> None:
        """Commits are at least `commit_ms` apart; an idle writer is released; `batch_chars` of text may be pending."""
        self._cipher = cipher
        self._generations = Generations(root)
        self._writing = ThreadPoolExecutor(1, "index-writer")
        self._reading = ThreadPoolExecutor(2, "index-reader")
        self._serving: Generation
        self._current: Current
        self._making: tuple[str, Generation] | None = None
        self._touched: set[str] = set()
        self._batches: WriteBatches[Write] = WriteBatches(
            lambda batch: self._write(lambda: self._apply(batch)),
            lambda: self._write(self._release_writers),
            pause_seconds=commit_ms / 1000,
            idle_seconds=idle_seconds,
            batch_chars=batch_chars,
        )

    async def open(self) -> Opened:
        opened = await self._write(self._open)
        self._batches.start()
        return opened

    def _open(self) -> Opened:
        self._generations.lock()
        try:
            current = self._generations.current()
            if current is None:
                return self._start_new("new")
            self._generations.sweep(current)
            if current.schema not in LAYOUTS:
                return self._start_new("outdated")
            self._serving = self._generation(current)
        except PermissionError:
            raise
        except BaseException as error:  # noqa: BLE001 (Tantivy panics, as a BaseException, on some broken files)
            log.error("index_unreadable", error=str(error)[:500])
            return self._start_new("unreadable")
        self._current = current
        if current.schema != SCHEMA_VERSION:
            return Opened(True, "outdated")
        return Opened(not current.complete, "complete" if current.complete else "unfinished")

    def _generation(self, of: Current) -> Generation:
        return Generation(self._generations.path(of), self._cipher, of.schema)

    def _start_new(self, reason: OpenedReason) -> Opened:
        self._current = Current(self._generations.create(), complete=False, schema=SCHEMA_VERSION)
        self._serving = self._generation(self._current)
        self._generations.switch(self._current)
        return Opened(True, reason)

    async def close(self) -> None:
        try:
            await self.flush()
        finally:
            self._batches.stop()
            await self.abandon_rebuild()
            await self._write(self._release)
            self._writing.shutdown()
            self._reading.shutdown()

    def _release(self) -> None:
        if self._batches.started:
            self._serving.release()
        self._generations.unlock()

    async def upsert(self, documents: Iterable[IndexedDocument]) -> None:
        for document in documents:
            await self._accept(document.file_id, to_document(document, self._cipher), len(document.text or ""))

    async def delete(self, changes: Mapping[str, int]) -> None:
        for file_id in changes:
            await self._accept(file_id, None, 0)

    async def _accept(self, file_id: str, document: Write, chars: int) -> None:
        await self._batches.accept(file_id, document, chars)
        if self._making is not None:
            self._touched.add(file_id)

    async def flush(self) -> None:
        await self._batches.flush()

    async def search(self, query: SearchQuery) -> SearchHits:
        start = decode_cursor(query.cursor, int)[0] if query.cursor else 0
        if not 0 <= start < MAX_POSITION:
            raise invalid("The cursor is invalid.", "invalid_cursor")
        found = await self._run(self._reading, lambda: self._serving.search(query, start))
        end = start + len(found.hits)
        more = bool(found.hits) and end < min(found.total, MAX_POSITION)
        return replace(found, next_cursor=encode_cursor(end) if more else None)

    async def stored_by(self, owner_id: str) -> dict[Family, Stored]:
        return await self._run(self._reading, lambda: self._serving.stored_by(owner_id))

    async def versions_of(self, file_ids: Collection[str]) -> dict[str, int]:
        return await self._run(self._reading, lambda: self._serving.versions_of(file_ids))

    async def begin_rebuild(self) -> None:
        await self.flush()
        async with self._batches.exclusive:
            await self._drop_new()
            self._making = await self._write(self._make)
            self._touched = self._batches.waiting_files()

    def _make(self) -> tuple[str, Generation]:
        name = self._generations.create()
        return name, self._generation(replace(self._current, folder=name, schema=SCHEMA_VERSION))

    async def add_to_rebuild(self, documents: Iterable[IndexedDocument]) -> None:
        for document in documents:
            if self._making is None:
                raise EngineFailed("no rebuild is under way")
            await self._batches.accept_backlog(
                document.file_id, to_document(document, self._cipher), len(document.text or "")
            )

    async def finish_rebuild(self) -> bool:
        await self.flush()
        async with self._batches.exclusive:
            await self._write(self._switch)
            self._touched = set()
        return True

    def _switch(self) -> None:
        if self._making is None:
            raise EngineFailed("no rebuild is under way")
        name, made = self._making
        made.apply({})
        old, current = self._serving, Current(name, complete=True, schema=SCHEMA_VERSION)
        old.release()
        self._generations.switch(current)
        self._serving, self._current, self._making = made, current, None

    async def abandon_rebuild(self) -> None:
        async with self._batches.exclusive:
            await self._drop_new()

    async def _drop_new(self) -> None:
        if self._making is not None:
            name, made = self._making
            self._making, self._touched = None, set()
            await self._write(made.release)
            await self._write(lambda: self._generations.remove(name))

    def _release_writers(self) -> None:
        self._serving.release()
        if self._making is not None:
            self._making[1].release()
        give_back()

    def _apply(self, batch: WriteBatch[Write]) -> None:
        if batch.live:
            self._serving.apply(batch.live)
        if self._making is not None:
            backlog = {file_id: made for file_id, made in batch.backlog.items() if file_id not in self._touched}
            self._making[1].apply(backlog | batch.live)

    async def _write(self, work: Callable[[], T]) -> T:
        return await self._run(self._writing, work)

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, _guarded, work)


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except (EngineFailed, DomainError):
        raise
    except BaseException as error:  # Tantivy panics as a BaseException
        raise EngineFailed(str(error)[:500]) from error
