"""Sends the mails that are due, each under a lease: a sender that died loses it, and another sends it."""

import random
from datetime import timedelta

from docstore_notify.attempts import Trier
from docstore_notify.delivery_store import Claim, Deliveries
from docstore_notify.domain import retry_after
from docstore_notify.marking import Marker
from docstore_notify.settings import NotifySettings
from docstore_platform.clock import Clock, utc_now
from docstore_platform.tracing import span


class Sender:
    """What a worker does with mails; those of several instances share the work by claiming it."""

    def __init__(
        self, deliveries: Deliveries, trier: Trier, marker: Marker, settings: NotifySettings, clock: Clock = utc_now
    ) -> None:
        self._deliveries = deliveries
        self._trier = trier
        self._marker = marker
        self._lease_seconds = settings.lease_seconds
        self._give_up = timedelta(seconds=settings.give_up_seconds)
        self._clock = clock

    async def claim(self) -> Claim | None:
        return await self._deliveries.claim(self._lease_seconds)

    async def due_in(self) -> float | None:
        return await self._deliveries.due_in()

    async def do(self, claimed: Claim) -> None:
        """Send one message and mark it, or give it back."""
        delivery = claimed.delivery
        with span(f"notify {delivery.kind}", service="notify", traceparent=delivery.traceparent):
            attempt = await self._trier.send(delivery)
            if attempt.final or self._clock() - delivery.created_at > self._give_up:
                await self._marker.end(claimed, attempt)
            else:
                wait = retry_after(delivery.attempts, attempt.retry_after) * random.uniform(0.8, 1.2)
                await self._marker.put_off(claimed, attempt, wait)
