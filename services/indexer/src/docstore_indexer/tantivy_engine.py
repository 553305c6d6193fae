"""The search engine embedded: Tantivy, one writer thread, batched commits, generations for rebuilds."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import structlog
import tantivy

from docstore_indexer.engine import EngineFailed, IndexedDocument, Opened, OpenedReason, SearchHits, SearchQuery
from docstore_indexer.generations import Current, Generations
from docstore_indexer.memory import give_back
from docstore_indexer.tantivy_generation import MAX_POSITION, Generation
from docstore_indexer.tantivy_schema import SCHEMA_VERSION, to_document
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.problems import Problem, invalid

log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0
T = TypeVar("T")
Changes = dict[str, tantivy.Document | None]


@dataclass(slots=True)
class _Batch:
    """What waits for the next commit: at most one change a file, the latest."""

    live: Changes = field(default_factory=dict)
    backlog: Changes = field(default_factory=dict)
    chars: int = 0
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class TantivyEngine:
    """`SearchEngine` in a folder of its own. All of Tantivy runs off the event loop."""

    def __init__(
        self,
        root: Path,
        *,
        commit_ms: int = 50,
        idle_seconds: float = 30.0,
        batch_chars: int = 8_000_000,
    ) -> None:
        """Commits are at least `commit_ms` apart; idle, the writer is given back; `batch_chars` of text may wait."""
        self._generations = Generations(root)
        self._commit_seconds = commit_ms / 1000
        self._idle_seconds = idle_seconds
        self._batch_chars = batch_chars
        self._writing = ThreadPoolExecutor(1, "index-writer")
        self._reading = ThreadPoolExecutor(2, "index-reader")
        self._serving: Generation
        self._current: Current
        self._making: tuple[str, Generation] | None = None
        self._touched: set[str] = set()
        self._batch: _Batch | None = None
        self._committing: _Batch | None = None
        self._wake = asyncio.Event()
        self._exclusive = asyncio.Lock()
        self._committer: asyncio.Task[None] | None = None

    async def open(self) -> Opened:
        opened = await self._write(self._open)
        self._committer = asyncio.create_task(self._commit_batches())
        return opened

    def _open(self) -> Opened:
        self._generations.lock()
        try:
            current = self._generations.current()
            if current is None:
                return self._start_anew("new")
            self._generations.sweep(current)
            if current.schema != SCHEMA_VERSION:
                return self._start_anew("outdated")
            self._serving = Generation(self._generations.path(current))
        except PermissionError:
            raise
        except BaseException as error:  # noqa: BLE001 (Tantivy panics, as a BaseException, on some broken files)
            log.error("index_unreadable", error=str(error)[:500])
            return self._start_anew("unreadable")
        self._current = current
        return Opened(not current.complete, "complete" if current.complete else "unfinished")

    def _start_anew(self, reason: OpenedReason) -> Opened:
        self._current = Current(self._generations.create(), complete=False, schema=SCHEMA_VERSION)
        self._serving = Generation(self._generations.path(self._current))
        self._generations.switch(self._current)
        return Opened(True, reason)

    async def close(self) -> None:
        try:
            await self.flush()
        finally:
            if self._committer is not None:
                self._committer.cancel()
            await self.abandon_rebuild()
            await self._write(self._let_go)
            self._writing.shutdown()
            self._reading.shutdown()

    def _let_go(self) -> None:
        if self._committer is not None:
            self._serving.release()
        self._generations.unlock()

    async def upsert(self, documents: Iterable[IndexedDocument]) -> None:
        for document in documents:
            await self._accept(document.file_id, to_document(document), len(document.text or ""))

    async def delete(self, file_ids: Iterable[str]) -> None:
        for file_id in file_ids:
            await self._accept(file_id, None, 0)

    async def _accept(self, file_id: str, document: tantivy.Document | None, chars: int) -> None:
        batch = await self._room()
        batch.live[file_id] = document
        batch.chars += chars
        if self._making is not None:
            self._touched.add(file_id)

    async def _room(self) -> _Batch:
        """The batch that waits; if it is full, the next one."""
        while self._batch is not None and self._batch.chars > self._batch_chars:
            await asyncio.shield(self._batch.done)
        if self._batch is None:
            self._batch = _Batch()
            self._wake.set()
        return self._batch

    async def flush(self) -> None:
        waiting = self._batch or self._committing
        if waiting is not None:
            await asyncio.shield(waiting.done)

    async def search(self, query: SearchQuery) -> SearchHits:
        start = decode_cursor(query.cursor, int)[0] if query.cursor else 0
        if not 0 <= start < MAX_POSITION:
            raise invalid("The cursor is not one of ours.", "invalid_cursor")
        found = await self._run(self._reading, lambda: self._serving.search(query, start))
        end = start + len(found.hits)
        more = bool(found.hits) and end < min(found.total, MAX_POSITION)
        return replace(found, next_cursor=encode_cursor(end) if more else None)

    async def begin_rebuild(self) -> None:
        await self.flush()
        async with self._exclusive:
            await self._drop_made()
            self._making = await self._write(self._make)
            self._touched = set(self._batch.live) if self._batch else set()

    def _make(self) -> tuple[str, Generation]:
        name = self._generations.create()
        return name, Generation(self._generations.path(replace(self._current, folder=name)))

    async def add_to_rebuild(self, documents: Iterable[IndexedDocument]) -> None:
        for document in documents:
            if self._making is None:
                raise EngineFailed("no rebuild is under way")
            batch = await self._room()
            batch.backlog[document.file_id] = to_document(document)
            batch.chars += len(document.text or "")

    async def finish_rebuild(self) -> None:
        await self.flush()
        async with self._exclusive:
            await self._write(self._switch)
            self._touched = set()

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
        async with self._exclusive:
            await self._drop_made()

    async def _drop_made(self) -> None:
        if self._making is not None:
            name, made = self._making
            self._making, self._touched = None, set()
            await self._write(made.release)
            await self._write(lambda: self._generations.remove(name))

    async def _commit_batches(self) -> None:
        """For ever: whatever was accepted since the last commit, at most one commit every `commit_ms`."""
        while True:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    await self._wake.wait()
            except TimeoutError:
                with suppress(EngineFailed):
                    async with self._exclusive:
                        await self._write(self._release_writers)
                await self._wake.wait()
            pause = await self._commit_one()
            await asyncio.sleep(pause)

    def _release_writers(self) -> None:
        self._serving.release()
        if self._making is not None:
            self._making[1].release()
        give_back()

    async def _commit_one(self) -> float:
        """Commit what waits; seconds until the next try."""
        async with self._exclusive:
            self._wake.clear()
            batch, self._batch = self._batch, None
            if batch is None:
                return 0.0
            self._committing = batch
            try:
                await self._write(lambda: self._apply(batch))
            except EngineFailed as error:
                log.error("index_commit_failed", error=str(error)[:500])
                self._take_back(batch)
                batch.done.set_exception(error)
                batch.done.exception()  # nobody may be waiting, which is no mistake
                return _RETRY_SECONDS
            finally:
                self._committing = None
            batch.done.set_result(None)
            return self._commit_seconds

    def _apply(self, batch: _Batch) -> None:
        if batch.live:
            self._serving.apply(batch.live)
        if self._making is not None:
            backlog = {file_id: made for file_id, made in batch.backlog.items() if file_id not in self._touched}
            self._making[1].apply(backlog | batch.live)

    def _take_back(self, failed: _Batch) -> None:
        """Behind what was accepted meanwhile, which is newer."""
        newer = self._batch or _Batch()
        newer.live = failed.live | newer.live
        newer.backlog = failed.backlog | newer.backlog
        newer.chars += failed.chars
        self._batch = newer
        self._wake.set()

    async def _write(self, work: Callable[[], T]) -> T:
        return await self._run(self._writing, work)

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, _guarded, work)


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except (EngineFailed, Problem):
        raise
    except BaseException as error:
        raise EngineFailed(str(error)[:500]) from error
