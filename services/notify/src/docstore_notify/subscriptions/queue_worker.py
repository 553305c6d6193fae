"""Sends messages to machines in order within a subscription, so that a failing receiver is called rarely and delays
no one else."""

import random
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from docstore_events.transaction import Transaction, Transactor
from docstore_notify.deliveries.attempt import DeliveryAttempt
from docstore_notify.deliveries.outcome_recorder import OutcomeRecorder
from docstore_notify.deliveries.planner import DeliveryPlanner, failed
from docstore_notify.deliveries.queue_repository import NO_TIME, SubscriptionQueue, SubscriptionQueues
from docstore_notify.deliveries.repository import Claim, Deliveries
from docstore_notify.deliveries.rules import AttemptResult, retry_after
from docstore_notify.domain import PERSONAL, Notice
from docstore_notify.settings import NotifySettings
from docstore_notify.subscriptions.repository import Subscriptions
from docstore_notify.subscriptions.rules import Subscription
from docstore_platform.clock import Clock, rfc3339, utc_now
from docstore_platform.telemetry.tracing import span

MAX_MESSAGES_PER_TURN = 50
"""Messages after which a worker turns to other due queues."""
TURN_SECONDS = 5.0
"""Time after which it does, so that it can stop soon."""
DRAINED_AT_ONCE = 200
UNCHECKED_WAIT = timedelta(seconds=2)


class SubscriptionQueueWorker:
    """Sends the messages of one queue after the other, in order."""

    def __init__(
        self,
        queues: SubscriptionQueues,
        deliveries: Deliveries,
        subscriptions: Subscriptions,
        delivery_attempt: DeliveryAttempt,
        recorder: OutcomeRecorder,
        planner: DeliveryPlanner,
        transactor: Transactor,
        settings: NotifySettings,
        clock: Clock = utc_now,
    ) -> None:
        self._queues = queues
        self._deliveries = deliveries
        self._subscriptions = subscriptions
        self._delivery_attempt = delivery_attempt
        self._recorder = recorder
        self._planner = planner
        self._transactor = transactor
        self._turn_seconds = min(TURN_SECONDS, max(settings.lease_seconds - settings.send_timeout_seconds, 0.0) / 2)
        self._give_up = timedelta(seconds=settings.give_up_after_seconds)
        self._disable_after = timedelta(seconds=settings.disable_after_seconds)
        self._clock = clock

    async def claim(self) -> SubscriptionQueue | None:
        return await self._queues.claim()

    async def due_in(self) -> float | None:
        return await self._queues.due_in()

    async def do(self, claimed: SubscriptionQueue) -> None:
        """Send the messages of the queue until it is empty, an attempt fails, or its turn is over."""
        until, queue = monotonic() + self._turn_seconds, claimed
        for _ in range(MAX_MESSAGES_PER_TURN):
            subscription = await self._subscriptions.find(queue.subscription_id)
            if subscription is None or not subscription.active:
                await self._drain(queue, subscription)
                return
            claim = await self._deliveries.claim_next(queue.subscription_id)
            if claim is None:
                await self._queues.rest(queue)
                return
            goes_on = await self._send(queue, subscription, claim)
            if goes_on is None:
                return
            queue = goes_on
            if monotonic() > until:
                break
        await self._queues.release(queue)

    async def _send(
        self, queue: SubscriptionQueue, subscription: Subscription, claim: Claim
    ) -> SubscriptionQueue | None:
        """Send one message; return the queue if the next message may follow at once."""
        delivery = replace(claim.delivery, target=subscription.target)
        with span(f"notify {delivery.kind}", service="notify", traceparent=delivery.traceparent):
            attempt = await self._delivery_attempt.send(delivery)
            match attempt.outcome:
                case "sent" | "void":
                    await self._recorder.end(claim, attempt)
                    if attempt.outcome == "void":  # the receiver was not called
                        return queue
                    if queue.failures:
                        await self._queues.record_success(queue)
                    return replace(queue, failures=0, failing_since=None, failing_for=NO_TIME)
                case "not_asked":
                    await self._recorder.postpone(claim, attempt, UNCHECKED_WAIT)
                    await self._queues.release(queue, UNCHECKED_WAIT)
                    return None
                case _:
                    await self._failed(queue, subscription, claim, attempt)
                    return None

    async def _failed(
        self, queue: SubscriptionQueue, subscription: Subscription, claim: Claim, attempt: AttemptResult
    ) -> None:
        if attempt.outcome == "gone" or queue.failing_for > self._disable_after:
            await self._disable(subscription, claim, attempt)
            await self._queues.release(queue)
            return
        wait = retry_after(queue.failures + 1, attempt.retry_after) * random.uniform(0.8, 1.2)
        if attempt.final or self._clock() - claim.delivery.created_at > self._give_up:
            await self._recorder.end(claim, attempt)
        else:
            await self._recorder.postpone(claim, attempt, wait)
        await self._queues.record_failure(queue, wait)

    async def _disable(self, subscription: Subscription, claim: Claim, attempt: AttemptResult) -> None:
        """Fail the message, disable the subscription, and notify its owner."""
        reason = "gone" if attempt.outcome == "gone" else "failing"

        async def work(transaction: Transaction, event_id: str) -> None:
            if not await self._subscriptions.disable(subscription.id, reason, self._clock(), transaction.session):
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
            await self._planner.write(notices, transaction)

        await self._recorder.end(claim, attempt, work)

    async def _drain(self, queue: SubscriptionQueue, subscription: Subscription | None) -> None:
        """Fail the messages of an ended or disabled subscription."""
        reason = (
            f"the subscription is disabled: {subscription.disabled_reason}"
            if subscription
            else "the subscription was deleted"
        )

        async def work(transaction: Transaction) -> int:
            ended = await self._deliveries.fail_waiting(
                queue.subscription_id, reason, DRAINED_AT_ONCE, self._clock(), transaction.session
            )
            for delivery in ended:
                transaction.publish(failed(delivery, reason))
            return len(ended)

        if await self._transactor.run(work):
            await self._queues.release(queue)
        elif subscription is None:
            await self._queues.delete(queue)
        else:
            await self._queues.rest(queue)
