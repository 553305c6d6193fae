"""Sends due deliveries, each under a lease."""

import random
from datetime import timedelta

from docstore_notify.deliveries.attempt import DeliveryAttempt
from docstore_notify.deliveries.outcome_recorder import OutcomeRecorder
from docstore_notify.deliveries.repository import Claim, Deliveries
from docstore_notify.deliveries.rules import retry_after
from docstore_notify.settings import NotifySettings
from docstore_platform.clock import Clock, utc_now
from docstore_platform.telemetry.tracing import span


class DeliveryWorker:
    """Sends due deliveries; instances share the work by claiming it."""

    def __init__(
        self,
        deliveries: Deliveries,
        delivery_attempt: DeliveryAttempt,
        recorder: OutcomeRecorder,
        settings: NotifySettings,
        clock: Clock = utc_now,
    ) -> None:
        self._deliveries = deliveries
        self._delivery_attempt = delivery_attempt
        self._recorder = recorder
        self._give_up = timedelta(seconds=settings.give_up_after_seconds)
        self._clock = clock

    async def claim(self) -> Claim | None:
        return await self._deliveries.claim()

    async def due_in(self) -> float | None:
        return await self._deliveries.due_in()

    async def do(self, claimed: Claim) -> None:
        """Send one message and record the outcome, or postpone it."""
        delivery = claimed.delivery
        with span(f"notify {delivery.kind}", service="notify", traceparent=delivery.traceparent):
            attempt = await self._delivery_attempt.send(delivery)
            if attempt.final or self._clock() - delivery.created_at > self._give_up:
                await self._recorder.end(claimed, attempt)
            else:
                wait = retry_after(delivery.attempts, attempt.retry_after) * random.uniform(0.8, 1.2)
                await self._recorder.postpone(claimed, attempt, wait)
