"""Reads access logs into the archive, each line exactly once, whichever process is killed at any time.

The rows of some lines, their figures, and how far the file has been read are stored in one transaction, under the
condition that no other instance has advanced it since. So a line is either before the stored progress and in the
archive, or behind it and not. A file is forgotten only once the position has passed it.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from docstore_analytics.accesses.repository import AccessLogRepository, Progress
from docstore_analytics.accesses.rows import access_id, access_row
from docstore_analytics.accesses.sources import LineBatch, LogSource, batches
from docstore_analytics.archive.repository import ArchiveRepository
from docstore_analytics.archive.rows import chunks_of
from docstore_analytics.metrics import access_log_lines
from docstore_analytics.reports.repository import FigureRepository
from docstore_analytics.reports.rules import Counts
from docstore_contents.s3.store import ObjectNotFound, ObjectTooLarge
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock, utc_now
from docstore_work.leader_lease import LeaderLease

log = structlog.get_logger(__name__)


class AccessLogReader:
    """Reads new log files while this instance holds the lease.

    Files may appear up to `grace_seconds` after files with later names: as far back they are listed again.
    """

    def __init__(
        self,
        sources: Sequence[LogSource],
        logs: AccessLogRepository,
        archive: ArchiveRepository,
        figures: FigureRepository,
        transactor: Transactor,
        lease: LeaderLease,
        *,
        grace_seconds: float,
        file_bytes: int,
        clock: Clock = utc_now,
    ) -> None:
        self._sources = sources
        self._logs, self._archive, self._figures = logs, archive, figures
        self._transactor = transactor
        self._lease = lease
        self._grace = timedelta(seconds=grace_seconds)
        self._file_bytes = file_bytes
        self._clock = clock

    async def read_due(self) -> int:
        """Read what is new in every source; return how many files."""
        read = 0
        for source in self._sources:
            if await self._lease.hold():
                read += await self._read_source(source)
        return read

    async def _read_source(self, source: LogSource) -> int:
        after = position = await self._logs.position(source.name)
        complete_before, read = self._clock() - self._grace, 0
        while page := await source.page(after):
            known = await self._logs.progress(source.name, [file.key for file in page])
            for file in page:
                progress = known.get(file.key, Progress())
                if not progress.is_done:
                    if not await self._lease.hold() or not await self._read_file(source, file.key, progress):
                        return read
                    read += 1
                if source.is_ordered or file.modified_at < complete_before:
                    position = file.key
            after = page[-1].key
        if position:
            await self._logs.move_on(source.name, position)
        return read

    async def _read_file(self, source: LogSource, key: str, progress: Progress) -> bool:
        """Read the rest of a file; False if another instance reads it."""
        with TemporaryDirectory(prefix="docstore-access-log-") as folder:
            path = Path(folder, "log")
            try:
                await source.fetch(key, path, self._file_bytes)
            except (ObjectTooLarge, ObjectNotFound, FileNotFoundError) as error:
                log.warning("access_log_skipped", source=source.name, key=key, reason=repr(error))
                await asyncio.to_thread(path.touch)
            parts = batches(path, source.kind, progress.lines)
            while batch := await asyncio.to_thread(next, parts, None):
                following = Progress(batch.end, batch.is_last)
                if not await self._store(source, key, batch, progress, following):
                    return False
                progress = following
        return True

    async def _store(self, source: LogSource, key: str, batch: LineBatch, before: Progress, after: Progress) -> bool:
        accesses = await source.sized(batch.accesses)
        rows = [(access.at, access_row(access_id(source.name, key, number), access)) for number, access in accesses]
        counts = Counts()
        for _, access in accesses:
            counts.add(access.at, "downloaded_bytes", access.log, access.downloaded)

        async def work(transaction: Transaction) -> bool:
            if not await self._logs.advance(source.name, key, before, after, transaction):
                return False
            await self._archive.add_chunks(chunks_of(rows), transaction)
            await self._figures.count(counts, transaction)
            return True

        if not await self._transactor.run(work):
            return False
        access_log_lines.labels(source.kind, "read").inc(len(rows))
        if batch.malformed:
            access_log_lines.labels(source.kind, "malformed").inc(batch.malformed)
            log.warning("access_log_lines_skipped", source=source.name, key=key, lines=batch.malformed)
        return True
