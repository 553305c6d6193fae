"""Retention of the embedded broker's log: tansu has none, and a fetch lists all batches of a partition.

Batches that every group of the stack has handled are deleted from the start of each partition, except recent and the
last ones. Each consumer commits its start position before it is ready, so that groups without progress are known: run
this only once all services are ready. Batches may be deleted at any time and in any number, and nothing is recorded:
after a crash the next run continues at the start.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise, takewhile
from typing import Protocol

import structlog

from docstore_platform.clock import utc_now
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.tasks import end_tasks
from docstore_standalone.embedded.tansu.broker import LogBucket
from docstore_standalone.embedded.tansu.broker_log import Batch, BrokerLog, LogPartition

INTERVAL_SECONDS = 60.0
RETENTION = timedelta(minutes=2)
"""For readers without a group, which follow the end within seconds."""
DEAD_LETTER_RETENTION = timedelta(days=30)
"""For copies of dead letters, which no group reads: as long as the outbox keeps events."""
KEPT = 20
"""Batches that always stay at a partition's end: the relay checks the last one, the others are for people."""
PAGE = 500

log = structlog.get_logger(__name__)


class Log(Protocol):
    async def partitions(self, topic: str) -> list[LogPartition]: ...

    async def oldest(self, partition: LogPartition, number: int) -> list[Batch]: ...

    async def end(self, partition: LogPartition) -> int: ...

    async def committed(self, group: str, partition: LogPartition) -> int | None: ...

    async def delete(self, partition: LogPartition, batches: Sequence[Batch]) -> None: ...


def no_longer_needed(batches: Sequence[Batch], *, handled: int, written_before: datetime) -> list[Batch]:
    """Return those of a partition's first batches to delete: old, followed by `KEPT` others, all records below
    `handled`.

    A batch ends at the latest where the next one begins: its object's name does not show it.
    """
    followed = pairwise(batches[: max(len(batches) - KEPT, 0) + 1])
    going = takewhile(lambda pair: pair[0].written < written_before and pair[1].first <= handled, followed)
    return [batch for batch, _ in going]


async def trim(bucket: Log, prefix: str, now: datetime) -> int:
    """Delete unneeded batches of all topics of the stack; return how many."""
    from docstore_events.catalogue.event import DEAD_LETTER_SUFFIX, TOPICS  # a stack is ready before it needs them

    groups = [f"{prefix}{service}" for service in SERVICE_NAMES]
    removed = 0
    for topic in TOPICS:
        for partition in await bucket.partitions(f"{prefix}{topic}"):
            removed += await _trim(bucket, partition, groups, now - RETENTION)
        for partition in await bucket.partitions(f"{prefix}{topic}{DEAD_LETTER_SUFFIX}"):
            removed += await _trim(bucket, partition, None, now - DEAD_LETTER_RETENTION)
    return removed


async def _trim(bucket: Log, partition: LogPartition, groups: Sequence[str] | None, written_before: datetime) -> int:
    removed = 0
    while True:
        batches = await bucket.oldest(partition, PAGE + KEPT)
        if len(batches) <= KEPT or batches[0].written >= written_before:
            return removed
        handled = await bucket.end(partition) if groups is None else await handled_by_all(bucket, partition, groups)
        going = no_longer_needed(batches, handled=handled, written_before=written_before)
        removed += len(going)
        if going:
            await bucket.delete(partition, going)
        elif len(batches) == PAGE + KEPT:
            log.warning("broker_log_held", topic=partition.topic, partition=partition.number, handled=handled)
        if len(going) < PAGE:
            return removed


async def handled_by_all(bucket: Log, partition: LogPartition, groups: Sequence[str]) -> int:
    """Return the offset below which all groups of the partition have handled everything; 0 if unknown."""
    offsets = [await bucket.committed(group, partition) for group in groups]
    committed = [offset for offset in offsets if offset is not None]
    if not committed or max(committed) > await bucket.end(partition):
        return 0  # a group beyond the end has read another log
    return min(committed)


@asynccontextmanager
async def log_retention_running(where: LogBucket, prefix: str) -> AsyncIterator[None]:
    """Trim at intervals until the block ends."""
    task = asyncio.create_task(_delete_old(where, prefix), name="log retention")
    try:
        yield
    finally:
        await end_tasks([task])


async def _delete_old(where: LogBucket, prefix: str) -> None:
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        bucket = BrokerLog(where)
        try:
            await trim(bucket, prefix, utc_now())
        except Exception as error:  # noqa: BLE001 - whatever failed, the next run tries again
            log.warning("broker_log_not_trimmed", reason=repr(error))
        finally:
            bucket.close()
