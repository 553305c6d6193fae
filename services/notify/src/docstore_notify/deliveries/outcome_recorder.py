"""Records the outcome of a delivery and publishes it, in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog

from docstore_events.catalogue.notifications import NotificationEvent
from docstore_events.transaction import Transaction, Transactor
from docstore_notify import metrics
from docstore_notify.deliveries.planner import failed, sent
from docstore_notify.deliveries.repository import Claim, DatabaseError, Deliveries
from docstore_notify.deliveries.rules import AttemptResult
from docstore_notify.domain import Delivery, State
from docstore_notify.settings import NotifySettings
from docstore_platform.clock import Clock, utc_now

log = structlog.get_logger(__name__)

WRITE_RETRY_SECONDS = 0.2
More = Callable[[Transaction, str], Awaitable[None]]
"""Further writes of the transaction; gets the id of the published event."""


class OutcomeRecorder:
    def __init__(
        self, deliveries: Deliveries, transactor: Transactor, settings: NotifySettings, clock: Clock = utc_now
    ) -> None:
        self._deliveries = deliveries
        self._transactor = transactor
        self._write_seconds = max(settings.lease_seconds - settings.send_timeout_seconds, 1.0)
        self._clock = clock

    async def end(self, claim: Claim, attempt: AttemptResult, more: More | None = None) -> bool:
        """Record and publish a delivery as sent or failed, unless another worker has claimed it meanwhile."""
        delivery = claim.delivery
        state: State = "sent" if attempt.outcome == "sent" else "failed"

        async def work(transaction: Transaction) -> bool:
            if not await self._deliveries.end(claim, state, attempt, self._clock(), transaction.session):
                return False
            event_id = transaction.publish(_outcome_event(delivery, attempt))
            if more is not None:
                await more(transaction, event_id)
            return True

        ended = bool(await self.write_within_lease(lambda: self._transactor.run(work)))
        if ended:
            metrics.deliveries.labels(delivery.channel, delivery.kind, state).inc()
            if attempt.outcome != "void":
                _count_first(delivery, "accepted" if state == "sent" else "refused")
        return ended

    async def postpone(self, claim: Claim, attempt: AttemptResult, wait: timedelta) -> None:
        delivery = claim.delivery
        metrics.deliveries.labels(delivery.channel, delivery.kind, "put_off").inc()
        _count_first(delivery, "postponed")
        seconds = round(wait.total_seconds(), 1)
        log.warning("delivery_postponed", delivery_id=delivery.id, seconds=seconds, error=attempt.detail)
        await self.write_within_lease(lambda: self._deliveries.postpone(claim, wait, attempt, self._clock()))

    async def keep(self, delivery: Delivery, attempt: AttemptResult) -> None:
        """Record and publish the outcome of a message that was sent at once."""

        async def work(transaction: Transaction) -> None:
            await self._deliveries.keep_ended(delivery, attempt, self._clock(), transaction.session)
            transaction.publish(_outcome_event(delivery, attempt))

        await self._transactor.run(work)

    async def write_within_lease(self, write: Callable[[], Awaitable[Any]]) -> Any:
        """Retry a write while the lease lasts: an unrecorded outcome would mean a duplicate mail."""
        async with asyncio.timeout(self._write_seconds):
            while True:
                try:
                    return await write()
                except DatabaseError as error:
                    log.warning("outcome_write_retried", service="notify", error=repr(error))
                    await asyncio.sleep(WRITE_RETRY_SECONDS)


def _count_first(delivery: Delivery, outcome: str) -> None:
    """Count each message once, however often it is tried again."""
    if delivery.attempts == 1:
        metrics.first_attempts.labels(delivery.channel, outcome).inc()


def _outcome_event(delivery: Delivery, attempt: AttemptResult) -> NotificationEvent:
    return sent(delivery) if attempt.outcome == "sent" else failed(delivery, attempt.detail)
