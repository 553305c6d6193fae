"""Finishing of transfers that metadata has committed: they become completed, with their event.

Clients need not wait for it: the file is stored, a claim is never undone, and the worker finishes what a crash leaves.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Generic

import structlog

from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_upload.lifecycle.ports import Commit, Completion, Kind, NotCommitting, T, Transfers
from docstore_upload.metrics import completed_bytes_total, ended_total
from docstore_upload.settings import UploadSettings
from docstore_work.batcher import Batcher

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Committed(Generic[T]):
    """Transfers that metadata has committed for one call, with the results by id."""

    transfers: Sequence[T]
    commits: Mapping[str, Commit[T]]
    context: Context = field(default_factory=copy_context)
    """The call's context: its events belong to its trace, also when calls are finished together."""

    @property
    def size(self) -> int:
        return len(self.transfers)

    def completed(self) -> list[T]:
        """The transfers as they will be stored."""
        return [
            replace(each, state="completed", initiated_event=None, **self.commits[each.id].fields)
            for each in self.transfers
        ]


class Finisher(Generic[T]):
    """Completes committed transfers in the background. Concurrent calls share a transaction."""

    def __init__(
        self, kind: Kind[T], transfers: Transfers[T], transactor: Transactor, settings: UploadSettings, clock: Clock
    ) -> None:
        self._kind = kind
        self._transfers = transfers
        self._transactor = transactor
        self._settings = settings
        self._clock = clock
        self._together: Batcher[Committed[T], list[T]] = Batcher(
            f"finish {kind.noun}s", self._finish_together, size=lambda committed: committed.size
        )
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, committed: Committed[T]) -> None:
        """Finish these. If several workers have committed one, only one of them publishes its event."""
        task = asyncio.create_task(self._finish(committed), name=f"finish {self._kind.noun}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait until all that were begun before are finished, or have failed."""
        if self._running:
            await asyncio.wait(self._running)

    async def _finish(self, committed: Committed[T]) -> None:
        try:
            finished = await self._together.run(committed)
            for transfer in finished:
                measure = transfer.measure
                ended_total.labels("completed", measure.method, transfer.completed_by or "client").inc(measure.files)
                completed_bytes_total.labels(measure.method).inc(measure.size)
            await self._kind.clean(finished)
        except Exception:  # nobody waits for it, and the worker finishes it
            log.warning("finish_deferred", ids=[transfer.id for transfer in committed.transfers], exc_info=True)

    async def _finish_together(self, calls: Sequence[Committed[T]]) -> list[list[T]]:
        """Complete the transfers of several calls in one transaction; return those completed for each call."""
        ids = [transfer.id for call in calls for transfer in call.transfers]
        if len(set(ids)) < len(ids):  # one transfer in two calls
            return [(await self._finish_together([call]))[0] for call in calls]

        async def as_claimed(transaction: Transaction) -> list[list[T]]:
            return await self._complete(calls, transaction)

        async def as_stored(transaction: Transaction) -> list[list[T]]:
            current = await self._transfers.by_ids(ids, transaction.session)
            still: list[Committed[T]] = []
            for call in calls:
                known = [current[transfer.id] for transfer in call.transfers if transfer.id in current]
                for transfer in known:
                    if transfer.state == "completed":
                        await self._amend(transfer, call.commits[transfer.id], transaction)
                still.append(replace(call, transfers=[each for each in known if each.state == "committing"]))
            return await self._complete(still, transaction)

        try:
            return await self._transactor.run(as_claimed)
        except NotCommitting:
            return await self._transactor.run(as_stored)

    async def _complete(self, calls: Sequence[Committed[T]], transaction: Transaction) -> list[list[T]]:
        """Complete transfers and publish their events; NotCommitting if another worker has completed one."""
        now = self._clock()
        check_at = now + timedelta(seconds=self._settings.settle_first_delay_seconds)
        completions = [
            call.context.run(self._publish, transfer, call.commits[transfer.id], transaction)
            for call in calls
            for transfer in call.transfers
        ]
        await self._transfers.complete(completions, now, check_at, transaction.session)
        return [call.completed() for call in calls]

    def _publish(self, transfer: T, commit: Commit[T], transaction: Transaction) -> Completion:
        initiated = transfer.initiated_event
        if initiated is not None:
            transaction.publish_prepared(dict(initiated))
        event_id = transaction.publish(commit.event(transfer))
        return Completion(transfer.id, commit.fields, event_id, initiated["_id"] if initiated else None)

    async def _amend(self, transfer: T, commit: Commit[T], transaction: Transaction) -> None:
        more = self._kind.amendment(transfer, commit)
        if more:
            await self._transfers.amend(transfer.id, more, transaction.session)
