"""Background work from a `LeaseQueue`: each due item has a next step, which may run twice."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from docstore_events.transaction import Transaction, Transactor
from docstore_platform.chunks import chunks
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError
from docstore_upload.lifecycle.ports import Kind, Recheck, T, Transfers
from docstore_upload.lifecycle.rules import Incomplete
from docstore_upload.lifecycle.use_cases.complete import Completer
from docstore_upload.lifecycle.use_cases.final_check import FinalCheck
from docstore_upload.lifecycle.use_cases.terminate import Termination
from docstore_upload.settings import UploadSettings
from docstore_work.loop import Loop

IDLE_TIMES = 15
"""Pauses are so many times as long while nothing is due."""
D = TypeVar("D")
Step = Callable[[Sequence[D]], Awaitable[None]]


class DueWork(ABC, Generic[D]):
    """A worker that leases due items in batches and runs the next step of each."""

    name: str
    batch: int
    """How many items are leased at once."""

    def __init__(self, settings: UploadSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    @abstractmethod
    async def claim_due(self, limit: int) -> list[D]:
        """Lease up to `limit` due items; they are due again when the lease ends."""

    @abstractmethod
    def step(self, due: D) -> Step[D]:
        """Return the next step of this item."""

    def loop(self) -> Loop:
        """The background loop. If a step fails, its items are due again when their lease ends."""
        seconds = self._settings.poll_interval_seconds
        name = f"upload {self.name}"
        return Loop(name, self.run_once, name.replace(" ", ":"), seconds, seconds, IDLE_TIMES * seconds)

    async def run_once(self) -> int:
        """Process one batch of due items; return how many."""
        due = await self.claim_due(self.batch)
        by_step: defaultdict[Step[D], list[D]] = defaultdict(list)
        for one in due:
            by_step[self.step(one)].append(one)
        outcomes = await asyncio.gather(*(step(taken) for step, taken in by_step.items()), return_exceptions=True)
        failed = next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
        if failed is not None:
            raise failed
        return len(due)


class TransferWorker(DueWork[T]):
    """Completes, expires, checks and cleans up transfers without a client's request."""

    def __init__(
        self,
        kind: Kind[T],
        transfers: Transfers[T],
        transactor: Transactor,
        completer: Completer[T],
        termination: Termination[T],
        final_check: FinalCheck[T],
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        super().__init__(settings, clock)
        self.name, self.batch = f"{kind.noun}s", kind.batch
        self._kind = kind
        self._transfers = transfers
        self._transactor = transactor
        self._completer = completer
        self._termination = termination
        self._final_check = final_check

    async def claim_due(self, limit: int) -> list[T]:
        due = await self._transfers.claim_due(limit)
        unpublished = [transfer.id for transfer in due if transfer.initiated_event is not None]
        if unpublished:
            await self._transactor.run(partial(self._publish_initiated, unpublished))
        return due

    async def _publish_initiated(self, ids: Sequence[str], transaction: Transaction) -> None:
        """Publish the events of initiations that no other transaction has published."""
        current = await self._transfers.by_ids(ids, transaction.session)
        for transfer in current.values():
            if transfer.initiated_event is not None:
                transaction.publish_prepared(dict(transfer.initiated_event))
        await self._transfers.drop_initiated_events(ids, transaction.session)

    def step(self, due: T) -> Step[T]:
        if due.is_open and due.initiated_event is not None and self._clock() < self._first_check_at(due):
            return self._await_first_check
        if due.is_open:
            return self._check
        if due.state == "committing":
            return self._commit
        return self._kind.sweep if due.is_over else self._final_check.check

    def _first_check_at(self, transfer: T) -> datetime:
        return transfer.first_check_at(self._settings.check_first_delay_seconds)

    async def _await_first_check(self, transfers: Sequence[T]) -> None:
        """Schedule the first check of transfers that were due for the event of their initiation only."""
        not_checked = {"attempts": 0}
        await self._transfers.recheck([Recheck(each, self._first_check_at(each), not_checked) for each in transfers])

    async def _check(self, transfers: Sequence[T]) -> None:
        """Complete transfers that were sent in full, expire those that are late, schedule the others."""
        for some in chunks(transfers, self._kind.at_once):
            outcomes = await self._complete(some)
            now, expired, later = self._clock(), [], []
            for transfer in some:
                outcome = outcomes[transfer.id]
                if not isinstance(outcome, DomainError):
                    continue
                if isinstance(outcome, Incomplete) and now >= transfer.expires_at:
                    expired.append(transfer.id)
                elif isinstance(outcome, Incomplete) or outcome.is_temporary:
                    first, longest = (
                        self._settings.check_first_delay_seconds,
                        self._settings.check_longest_delay_seconds,
                    )
                    later.append(Recheck(transfer, transfer.next_check(now, first=first, longest=longest)))
            if expired:
                await self._termination.end(expired, "expired", by="workflow")
            await self._transfers.recheck(later)

    async def _commit(self, transfers: Sequence[T]) -> None:
        """Resume commits; those that fail again are due when their lease ends."""
        for some in chunks(transfers, self._kind.at_once):
            await self._complete(some)

    async def _complete(self, transfers: Sequence[T]) -> Mapping[str, Any]:
        """Complete and finish transfers; return the outcomes by id."""
        outcomes = await self._completer.complete(transfers, "workflow")
        await self._completer.finisher.drain()
        return outcomes
