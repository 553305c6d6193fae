"""Termination of transfers: expiry or abortion, one event, then deletion of the bytes."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Generic, Literal

from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import DomainError
from docstore_upload.lifecycle.ports import Kind, T, Transfers
from docstore_upload.lifecycle.rules import ENDED, OPEN, Actor, State
from docstore_upload.metrics import ended_total


class Termination(Generic[T]):
    """Expires and aborts transfers. By the events quota releases their reservations."""

    def __init__(self, kind: Kind[T], transfers: Transfers[T], transactor: Transactor, clock: Clock) -> None:
        self._kind = kind
        self._transfers = transfers
        self._transactor = transactor
        self._clock = clock

    async def give_up(self, transfer: T) -> bool:
        """Abort a transfer for its client. Idempotent. False if it is committing or completed."""
        if await self.end([transfer.id], "aborted"):
            return True
        current = await self._transfers.by_ids([transfer.id])
        return all(each.state in ENDED for each in current.values())

    async def end(
        self,
        ids: Sequence[str],
        state: Literal["expired", "aborted"],
        *,
        start: Collection[State] = OPEN,
        refusal: DomainError | None = None,
        by: Actor = "client",
    ) -> list[T]:
        """End transfers that are in a state of `start`; return those that this call has ended.

        Clean-up is due at once. The worker repeats deletions that fail or that a crash cuts short.
        """
        now = self._clock()

        async def work(transaction: Transaction) -> list[T]:
            current = await self._transfers.by_ids(ids, transaction.session)
            ended = [transfer for transfer in current.values() if transfer.state in start]
            if ended:
                await self._transfers.end([each.id for each in ended], state, refusal, now, transaction.session)
            for transfer in ended:
                if transfer.initiated_event is not None:
                    transaction.publish_prepared(dict(transfer.initiated_event))
                transaction.publish(self._kind.ended(transfer, state, refusal))
            return [replace(transfer, state=state) for transfer in ended]

        ended = await self._transactor.run(work)
        for transfer in ended:
            measure = transfer.measure
            ended_total.labels(state, measure.method, by).inc(measure.files)
        await self._kind.clean(ended)
        return ended
