"""Writes pending rows into Parquet segments in S3, each event exactly once, whichever process is killed at any time.

Proof. (1) A chunk is written in the transaction of the inbox, so each event is in one chunk. (2) A plan stores its
segment's id in each of its chunks in one transaction, so each chunk is in one segment, and the rows are fixed. (3) A
segment's object is a function of its rows, under a key of its own, and the store shows objects whole or not at all, so
writing it again changes nothing. (4) The transaction that marks the segment as sealed deletes its chunks, after the
object is stored. So before that transaction the events are in chunks that will be written again, and afterwards in a
stored object. docs/adr/0017-analytics.md.
"""

from functools import partial
from typing import Protocol

import structlog

from docstore_analytics.archive.repository import ArchiveRepository
from docstore_analytics.archive.rules import Segment, SegmentLimits
from docstore_analytics.metrics import archive_oldest_seconds, archive_waiting_events
from docstore_analytics.processes.framing import join_parts
from docstore_analytics.processes.runner import run_child
from docstore_platform.clock import Clock, utc_now
from docstore_work.leader_lease import LeaderLease

log = structlog.get_logger(__name__)

PROCESS = "docstore_analytics.archive.parquet_process"
PARQUET = "application/vnd.apache.parquet"


class Objects(Protocol):
    async def put(self, key: str, data: bytes, *, content_type: str) -> object: ...


class ArchiveWriter:
    """Writes segments while this instance holds the lease."""

    def __init__(
        self,
        store: ArchiveRepository,
        lease: LeaderLease,
        objects: Objects,
        limits: SegmentLimits,
        *,
        child_memory: int,
        child_seconds: float,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self.table = store.table.name
        self._lease = lease
        self._objects = objects
        self._limits = limits
        self._memory = str(child_memory).encode()
        self._make_parquet = partial(run_child, PROCESS, seconds=child_seconds)
        self._clock = clock

    async def write_due(self) -> int:
        """Write the segments that are under way or due; return how many were sealed."""
        events, oldest = await self._store.waiting()
        archive_waiting_events.labels(self.table).set(events)
        age = (self._clock() - oldest).total_seconds() if oldest else 0.0
        archive_oldest_seconds.labels(self.table).set(max(age, 0.0))
        sealed = 0
        if not events or not await self._lease.hold():
            return sealed
        for begun in await self._store.planned():
            sealed += await self._write(begun)
        for day in await self._store.due_days(self._limits):
            while planned := await self._store.plan(day, self._limits):
                sealed += await self._write(planned)
        return sealed

    async def _write(self, segment: Segment) -> bool:
        packed = await self._store.rows_of(segment) if await self._lease.hold() else None
        if packed is None:  # another instance writes it or has sealed it
            return False
        parquet = await self._make_parquet(join_parts([self._memory, segment.table.name.encode(), *packed]))
        await self._objects.put(segment.key, parquet, content_type=PARQUET)
        await self._store.seal(segment, len(parquet))
        log.info("archive_segment_sealed", key=segment.key, events=segment.events, bytes=len(parquet))
        return True
