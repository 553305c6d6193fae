"""The Kafka client of a reader: returns batches and commits only those that were handled."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka import TopicPartition as Log
from aiokafka.errors import KafkaError

from docstore_events.consuming.fetch_wait import LocalFetches
from docstore_events.pacing import Pacing
from docstore_platform.tasks import end_tasks

log = structlog.get_logger(__name__)

MAX_BATCH = 1000
LARGE_BATCH = 100
"""After a batch of so many records the next one follows at once: it need not become larger."""
COMMIT_SECONDS = 5.0
STOP_SECONDS = 2.0
"""Most seconds that the last commit may take."""


def batch_after(failures: int) -> int:
    """Return the batch size: smaller after failures, since a batch may exceed a transaction's time limit."""
    return max(MAX_BATCH >> failures, 1)


class Activity:
    """What a consumer is doing, and how often it has failed in a row."""

    def __init__(self) -> None:
        self.handling = False
        self.handled = 0
        self.failures = 0


class BatchConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """Returns a batch as soon as there is a record, unless batches are small and frequent (`Pacing`).

    Commits only the offsets of returned batches.

    By default the client commits its position in every log that it reads, and the broker writes each of them, the
    embedded one as an object of its own. So only logs with new batches are committed, at most once in `COMMIT_SECONDS`.
    After a crash the inbox makes records that are read again harmless.
    """

    def __init__(
        self,
        *topics: str,
        activity: Activity,
        linger_seconds: float = 0.0,
        local: Callable[[AIOKafkaConsumer], LocalFetches] | None = None,
        **options: Any,
    ) -> None:
        """`linger_seconds`: shortest time in which records are gathered into one batch, and so one transaction.

        `local`: get the records of relays in the same process from memory.
        """
        super().__init__(*topics, **options)
        self._activity = activity
        self._linger_seconds = linger_seconds
        self._was_large = False
        self._pacing = Pacing()
        self._given: dict[Log, int] = {}
        self.in_hand: dict[Log, int] = {}
        """First offsets of the last batch, until it is handled."""
        self._uncommitted: dict[Log, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._local = local
        self._fetches: LocalFetches | None = None

    async def start(self) -> None:
        await super().start()
        self._fetches = self._local(self) if self._local is not None else None

    async def getmany(
        self, *partitions: Log, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[Log, list[ConsumerRecord]]:
        """Return the next batch, however long it takes; the arguments' limits do not apply."""
        first = await self.getone()
        batch: defaultdict[Log, list[ConsumerRecord]] = defaultdict(list)
        batch[Log(first.topic, first.partition)].append(first)
        limit = batch_after(self._activity.failures)
        try:
            await self._take(batch, limit)
            gather_seconds = max(self._linger_seconds, self._pacing.wait_seconds())
            if gather_seconds and not self._was_large:
                await asyncio.sleep(gather_seconds)  # the client fetches on only after all was taken
                await self._take(batch, limit)
        except BaseException:  # also when cancelled: the records must not be skipped
            for at, records in batch.items():
                self.seek(at, records[0].offset)
            raise
        self._pacing.count()
        self._was_large = sum(map(len, batch.values())) >= min(limit, LARGE_BATCH)
        self._given = {at: records[-1].offset + 1 for at, records in batch.items()}
        self.in_hand = {at: records[0].offset for at, records in batch.items()}
        return dict(batch)

    async def _take(self, batch: dict[Log, list[ConsumerRecord]], limit: int) -> None:
        """Add the fetched records, at most up to `limit` in all."""
        room = limit - sum(map(len, batch.values()))
        if room > 0:
            for at, records in (await super().getmany(max_records=room)).items():
                batch[at].extend(records)

    async def commit(self, offsets: dict[Log, int] | None = None) -> None:
        """Schedule a commit of the last batch, unless `offsets` are given."""
        if offsets is not None:
            for at in offsets:
                self._uncommitted.pop(at, None)
            await super().commit(offsets)
            return
        self.in_hand = {}
        self._uncommitted |= self._given
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_soon())

    async def _commit_soon(self) -> None:
        while self._uncommitted:
            await asyncio.sleep(COMMIT_SECONDS)
            try:
                await self.commit_now()
            except KafkaError as error:
                log.warning("offsets_not_committed", error=repr(error))

    async def commit_now(self) -> None:
        """Commit what was handled, except in reassigned partitions: the broker would refuse the whole commit."""
        assigned = self.assignment()
        offsets = {at: offset for at, offset in self._uncommitted.items() if at in assigned}
        self._uncommitted = dict(offsets)
        if offsets:
            await super().commit(offsets)
            for at, offset in offsets.items():
                if self._uncommitted.get(at) == offset:
                    del self._uncommitted[at]

    async def stop(self) -> None:
        """Commit what was handled, if the broker is reachable, and close."""
        if self._fetches is not None:
            self._fetches.close()
            self._fetches = None
        if self._committing is not None:
            await end_tasks([self._committing])
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.commit_now()
        await super().stop()

    def seek(self, partition: Log, offset: int) -> None:
        """Read again from `offset`, unless the partition was reassigned."""
        self.in_hand.pop(partition, None)
        if partition in self.assignment():
            super().seek(partition, offset)
            if self._fetches is not None:
                self._fetches.refetch()
