"""Keeps the embedded broker's log short: it has no retention, and a fetch lists all batches that a partition has.

From the beginning of each partition goes what every group of the stack has handled, but for what is recent and for the
last batches. Each consumer commits where it begins before it is ready, so that one which has handled nothing yet is
known too: this is to run only once all services of the stack are ready. What goes may go at any moment and in any
number, and nothing is noted of it: after a crash the next run finds the rest at the beginning.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise, takewhile
from typing import Protocol

import structlog

from docstore_events.event import DEAD_LETTER_SUFFIX, TOPICS
from docstore_platform.clock import utc_now
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.tasks import end_tasks
from docstore_standalone.broker import LogBucket
from docstore_standalone.broker_log import Batch, BrokerLog, LogPartition

EVERY_SECONDS = 60.0
RETENTION = timedelta(minutes=2)
"""For readers without a group, which follow the end: they read within seconds what is written."""
DEAD_LETTER_RETENTION = timedelta(days=30)
"""Copies of dead letters, which no group of ours reads: as long as the outbox keeps what was said."""
KEPT = 20
"""Batches at the end of a partition that always stay: the last one is looked for, the others are for people to see."""
PAGE = 500

log = structlog.get_logger(__name__)


class Log(Protocol):
    async def partitions(self, topic: str) -> list[LogPartition]: ...

    async def oldest(self, partition: LogPartition, number: int) -> list[Batch]: ...

    async def end(self, partition: LogPartition) -> int: ...

    async def committed(self, group: str, partition: LogPartition) -> int | None: ...

    async def delete(self, partition: LogPartition, batches: Sequence[Batch]) -> None: ...


def no_longer_needed(batches: Sequence[Batch], *, handled: int, written_before: datetime) -> list[Batch]:
    """Those of a partition's first batches that may go: old, followed by `KEPT` others, all records below `handled`.

    A batch ends where the next one begins, at the latest: what its object's name doesn't tell.
    """
    followed = pairwise(batches[: max(len(batches) - KEPT, 0) + 1])
    going = takewhile(lambda pair: pair[0].written < written_before and pair[1].first <= handled, followed)
    return [batch for batch, _ in going]


async def trim(bucket: Log, prefix: str, now: datetime) -> int:
    """Delete what is no longer needed of all topics of the stack; how many batches that were."""
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
    """Offset below which all groups that read the partition have handled everything; 0 if that can't be told."""
    offsets = [await bucket.committed(group, partition) for group in groups]
    committed = [offset for offset in offsets if offset is not None]
    if not committed or max(committed) > await bucket.end(partition):
        return 0  # a group that is past the end has read another log than this one
    return min(committed)


@asynccontextmanager
async def log_kept_short(where: LogBucket, prefix: str) -> AsyncIterator[None]:
    """Trim once in a while until the block ends."""
    task = asyncio.create_task(_keep_short(where, prefix), name="log retention")
    try:
        yield
    finally:
        await end_tasks([task])


async def _keep_short(where: LogBucket, prefix: str) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        bucket = BrokerLog(where)
        try:
            await trim(bucket, prefix, utc_now())
        except Exception as error:  # noqa: BLE001 - whatever the store answers now, the next run looks again
            log.warning("broker_log_not_trimmed", reason=repr(error))
        finally:
            bucket.close()
