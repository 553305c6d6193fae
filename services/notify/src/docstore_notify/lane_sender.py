"""Sends what waits for machines: a subscription at a time, in order, so that one that fails is not hammered with what
follows and holds up nobody else."""

import random
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from docstore_events.transaction import Transaction, Transactor
from docstore_notify.attempts import Attempt, Trier
from docstore_notify.delivery_store import Claim, Deliveries
from docstore_notify.domain import PERSONAL, Notice, Subscription, retry_after
from docstore_notify.lane_store import Lane, Lanes
from docstore_notify.marking import Marker
from docstore_notify.notices import NoticeBook, failed
from docstore_notify.settings import NotifySettings
from docstore_notify.subscription_store import Subscriptions
from docstore_platform.clock import Clock, rfc3339, utc_now
from docstore_platform.tracing import span

IN_A_ROW = 50
"""Messages after which a lane gives its place to others that are due."""
TURN_SECONDS = 5.0
"""Or the time after which it does: a sender that is to stop soon can."""
DRAINED_AT_ONCE = 200
NOT_ASKED_WAIT = timedelta(seconds=2)


class LaneSender:
    """What a worker does with a lane."""

    def __init__(
        self,
        lanes: Lanes,
        deliveries: Deliveries,
        subscriptions: Subscriptions,
        trier: Trier,
        marker: Marker,
        book: NoticeBook,
        transactor: Transactor,
        settings: NotifySettings,
        clock: Clock = utc_now,
    ) -> None:
        self._lanes = lanes
        self._deliveries = deliveries
        self._subscriptions = subscriptions
        self._trier = trier
        self._marker = marker
        self._book = book
        self._transactor = transactor
        self._lease_seconds = settings.lease_seconds
        self._turn_seconds = min(TURN_SECONDS, max(settings.lease_seconds - settings.send_seconds, 0.0) / 2)
        self._give_up = timedelta(seconds=settings.give_up_seconds)
        self._disable_after = timedelta(seconds=settings.disable_after_seconds)
        self._clock = clock

    async def claim(self) -> Lane | None:
        return await self._lanes.claim(self._lease_seconds)

    async def due_in(self) -> float | None:
        return await self._lanes.due_in()

    async def do(self, claimed: Lane) -> None:
        """Send what waits in the lane, until nothing does, a try fails, or it is others' turn."""
        until, lane = monotonic() + self._turn_seconds, claimed
        for _ in range(IN_A_ROW):
            subscription = await self._subscriptions.find(lane.subscription_id)
            if subscription is None or not subscription.active:
                await self._drain(lane, subscription)
                return
            claim = await self._deliveries.claim_next(lane.subscription_id)
            if claim is None:
                await self._lanes.empty(lane, forget=False)
                return
            if not await self._send(lane, subscription, claim):
                return
            lane = replace(lane, failures=0, failing_since=None)
            if monotonic() > until:
                break
        await self._lanes.give_back(lane, timedelta(0))

    async def _send(self, lane: Lane, subscription: Subscription, claim: Claim) -> bool:
        """Send one message; whether the next one may follow at once."""
        delivery = replace(claim.delivery, target=subscription.target)
        with span(f"notify {delivery.kind}", service="notify", traceparent=delivery.traceparent):
            attempt = await self._trier.send(delivery)
            match attempt.outcome:
                case "sent" | "void":
                    await self._marker.end(claim, attempt)
                    if lane.failures and attempt.outcome == "sent":
                        await self._lanes.worked(lane)
                    return True
                case "not_asked":
                    await self._marker.put_off(claim, attempt, NOT_ASKED_WAIT)
                    await self._lanes.give_back(lane, NOT_ASKED_WAIT)
                    return False
                case _:
                    await self._failed(lane, subscription, claim, attempt)
                    return False

    async def _failed(self, lane: Lane, subscription: Subscription, claim: Claim, attempt: Attempt) -> None:
        failing = lane.taken_at - (lane.failing_since or lane.taken_at)
        if attempt.outcome == "gone" or failing > self._disable_after:
            await self._disable(subscription, claim, attempt)
            await self._lanes.give_back(lane, timedelta(0))
            return
        wait = retry_after(lane.failures + 1, attempt.retry_after) * random.uniform(0.8, 1.2)
        if attempt.final or self._clock() - claim.delivery.created_at > self._give_up:
            await self._marker.end(claim, attempt)
        else:
            await self._marker.put_off(claim, attempt, wait)
        await self._lanes.failed(lane, wait)

    async def _disable(self, subscription: Subscription, claim: Claim, attempt: Attempt) -> None:
        """The message has failed, and with it the subscription: its owner is told."""
        reason = "gone" if attempt.outcome == "gone" else "failing"

        async def work(tx: Transaction, event_id: str) -> None:
            if not await self._subscriptions.disable(subscription.id, reason, self._clock(), tx.session):
                return
            facts = {
                "subscription_id": subscription.id,
                "channel": subscription.channel,
                "address": subscription.target.address,
                "file_id": subscription.file_id,
                "reason": reason,
                "detail": attempt.detail[:300],
                "at": rfc3339(self._clock()),
            }
            notices = [
                Notice(subscription.account_id, channel, "subscription_disabled", event_id, {**facts})
                for channel in PERSONAL
            ]
            await self._book.write(notices, tx)

        await self._marker.end(claim, attempt, work)

    async def _drain(self, lane: Lane, subscription: Subscription | None) -> None:
        """What waits for nobody any more has failed."""
        reason = (
            f"the subscription is disabled: {subscription.disabled_reason}" if subscription else "not followed any more"
        )

        async def work(tx: Transaction) -> int:
            ended = await self._deliveries.fail_waiting(
                lane.subscription_id, reason, DRAINED_AT_ONCE, self._clock(), tx.session
            )
            for delivery in ended:
                tx.publish(failed(delivery, reason))
            return len(ended)

        if await self._transactor.run(work):
            await self._lanes.give_back(lane, timedelta(0))
        else:
            await self._lanes.empty(lane, forget=subscription is None)
