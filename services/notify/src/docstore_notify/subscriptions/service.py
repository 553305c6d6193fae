"""Use cases of subscriptions: follow, change, test, list deliveries, unfollow."""

import asyncio
import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from docstore_contracts.metadata import MetadataClient
from docstore_notify.channels.registry import REGISTRY, ChannelRegistry
from docstore_notify.deliveries.attempt import DeliveryAttempt
from docstore_notify.deliveries.outcome_recorder import OutcomeRecorder
from docstore_notify.deliveries.queue_repository import SubscriptionQueues
from docstore_notify.deliveries.repository import Deliveries
from docstore_notify.deliveries.rules import AttemptResult, DeliveryLogEntry
from docstore_notify.domain import PERSONAL, Delivery, Facts
from docstore_notify.settings import NotifySettings
from docstore_notify.subscriptions.repository import CallAlreadyUsed, Subscriptions
from docstore_notify.subscriptions.rules import FileChange, IdempotentCall, Subscription
from docstore_platform.clock import Clock, rfc3339, utc_now
from docstore_platform.errors import Conflict, TooMany, invalid, not_found
from docstore_platform.ids import new_id
from docstore_platform.security.period_counts import PeriodCounts

KEY_LIFE = timedelta(days=1)
"""An Idempotency-Key that is used later makes a new call, as at the gateway."""


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """The subscription that a caller asks for."""

    file_id: str
    channel: str
    target: Mapping[str, Any] | None
    events: tuple[FileChange, ...]


def idempotent_call(key: str, wanted: SubscriptionRequest) -> IdempotentCall | None:
    """Return the identity of a call; None without a key."""
    if not key:
        return None
    parts = (wanted.file_id, wanted.channel, sorted((wanted.target or {}).items()), wanted.events)
    return IdempotentCall(_hash(key), _hash(repr(parts)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@dataclass(slots=True)
class SubscriptionService:
    """Use cases of subscriptions. 404 for an unknown one or another account's."""

    subscriptions: Subscriptions
    deliveries: Deliveries
    queues: SubscriptionQueues
    metadata: MetadataClient
    delivery_attempt: DeliveryAttempt
    recorder: OutcomeRecorder
    tests: PeriodCounts
    settings: NotifySettings
    clock: Clock = utc_now
    registry: ChannelRegistry = REGISTRY
    ids: Callable[[], str] = new_id

    async def follow(self, account_id: str, wanted: SubscriptionRequest, key: str = "") -> tuple[Subscription, bool]:
        """Return the subscription, and whether this call has created it, now or earlier with the same key.

        404 for a file the account may not read, 422 `unsupported_channel` or `invalid_target`, 409
        `channel_unavailable` or `too_many_subscriptions`, 422 `idempotency_key_reused` for another call with the key of
        the one that created a subscription.
        """
        channel = self.registry.find(wanted.channel)
        call = idempotent_call(key, wanted)
        made = await self._made_by(account_id, call)
        if made is not None:
            return made, True
        unavailable = await asyncio.to_thread(channel.unavailable, self.settings)
        if unavailable:
            raise Conflict(unavailable, code="channel_unavailable")
        entered = self.registry.check_target(
            wanted.channel, wanted.target, account_id=account_id, settings=self.settings
        )
        target = replace(entered, secret=channel.new_secret())
        if not await self.metadata.lookup_files(account_id, [wanted.file_id]):
            raise not_found("file")
        new = Subscription(
            self.ids(), account_id, wanted.file_id, wanted.channel, wanted.events, self.clock(), target, made_by=call
        )
        is_full = await self.subscriptions.number(account_id) >= self.settings.max_subscriptions
        if is_full and not await self._is_followed(new):
            raise Conflict(
                f"An account can have at most {self.settings.max_subscriptions} subscriptions.",
                code="too_many_subscriptions",
            )
        try:
            kept = await self.subscriptions.follow(new)
        except CallAlreadyUsed:  # concurrently, for another target
            made = await self._made_by(account_id, call)
            if made is None:
                raise
            return made, True
        await self.queues.make_due([kept.id])
        return kept, kept.id == new.id or (call is not None and kept.made_by == call)

    async def _made_by(self, account_id: str, call: IdempotentCall | None) -> Subscription | None:
        """Return the subscription that an earlier attempt of this call has created, if it still exists."""
        if call is None:
            return None
        made = await self.subscriptions.made_with(account_id, call.key)
        if made is None or made.made_by is None:
            return None
        if made.created_at <= self.clock() - KEY_LIFE:
            await self.subscriptions.forget_call(made.id)
            return None
        if made.made_by != call:
            raise invalid("This Idempotency-Key was used for another call.", "idempotency_key_reused")
        return made

    async def _is_followed(self, new: Subscription) -> bool:
        of_file = await self.subscriptions.of_account(new.account_id, "", self.settings.max_subscriptions, new.file_id)
        return any((one.channel, one.target.address) == (new.channel, new.target.address) for one in of_file)

    async def page(self, account_id: str, after: str, limit: int, file_id: str | None) -> list[Subscription]:
        return await self.subscriptions.of_account(account_id, after, limit, file_id)

    async def get(self, account_id: str, subscription_id: str) -> Subscription:
        return _existing(await self.subscriptions.get(account_id, subscription_id))

    async def change(
        self, account_id: str, subscription_id: str, events: tuple[FileChange, ...] | None, *, enable: bool
    ) -> Subscription:
        changed = _existing(await self.subscriptions.change(account_id, subscription_id, events, enable))
        if enable:
            await self.queues.make_due([subscription_id])
        return changed

    async def unfollow(self, account_id: str, subscription_id: str) -> None:
        if not await self.subscriptions.remove(account_id, [subscription_id]):
            raise not_found("subscription")
        await self.queues.make_due([subscription_id])

    async def log(self, account_id: str, subscription_id: str, before: str, limit: int) -> list[DeliveryLogEntry]:
        """Return the deliveries of a subscription, newest first."""
        one = await self.get(account_id, subscription_id)
        log_entry = await self.deliveries.log(subscription_id, before, limit)
        if one.channel in PERSONAL:
            return log_entry
        due = await self.queues.due_at(subscription_id)
        return [replace(entry, next_at=due) if entry.state == "pending" else entry for entry in log_entry]

    async def test(self, account_id: str, subscription_id: str) -> tuple[Delivery, AttemptResult]:
        """Send a test message now, once; it is in the log. 429 `too_many_tests`.

        Targets are not verified to be the account's own, so the limit also protects others from many messages.
        """
        one = await self.get(account_id, subscription_id)
        await self._admit_test(account_id)
        now = self.clock()
        facts: Facts = {"subscription_id": one.id, "file_id": one.file_id, "at": rfc3339(now)}
        delivery = Delivery(self.ids(), account_id, one.channel, "test", now, now, (facts,), attempts=1)
        if one.channel not in PERSONAL:
            delivery = replace(delivery, target=one.target, subscription_id=one.id)
        attempt = await self.delivery_attempt.send(delivery)
        ended = replace(delivery, state="sent" if attempt.outcome == "sent" else "failed")
        await self.recorder.keep(ended, attempt)
        return ended, attempt

    async def _admit_test(self, account_id: str) -> None:
        tests = await self.tests.add(account_id)
        limit = self.settings.max_tests_per_hour
        if tests.number > limit:
            seconds = str(max(1, math.ceil(tests.left.total_seconds())))
            detail = f"An account can send at most {limit} test messages an hour."
            raise TooMany(detail, code="too_many_tests", retry_after=seconds)


def _existing(subscription: Subscription | None) -> Subscription:
    if subscription is None:
        raise not_found("subscription")
    return subscription
