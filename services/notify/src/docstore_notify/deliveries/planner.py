"""Turns notices into deliveries, in the transaction of their events."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from docstore_events.catalogue.notifications import NotificationFailed, NotificationSent
from docstore_events.transaction import Transaction
from docstore_notify.deliveries.digest import Pacing, new_delivery, plan_digests
from docstore_notify.deliveries.queue_repository import SubscriptionQueues
from docstore_notify.deliveries.repository import Deliveries
from docstore_notify.domain import (
    CHOSEN_KINDS,
    LONGEST_RUN,
    MAX_EVENTS,
    PERSONAL,
    SUMMARIZED,
    URGENT,
    Delivery,
    Kind,
    Notice,
)
from docstore_notify.inbox.repository import Inbox
from docstore_notify.phone.repository import Phones
from docstore_notify.preferences.repository import PreferenceStore
from docstore_notify.preferences.rules import Preferences
from docstore_notify.push_subscriptions.repository import PushSubscriptions
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id

AT_ONCE = Pacing(timedelta(0))


def sent(delivery: Delivery) -> NotificationSent:
    return NotificationSent(**_event_data(delivery))


def failed(delivery: Delivery, reason: str) -> NotificationFailed:
    return NotificationFailed(**_event_data(delivery), reason=reason)


def _event_data(delivery: Delivery) -> dict[str, object]:
    return {
        "revision": 1,
        "delivery_id": delivery.id,
        "account_id": delivery.account_id,
        "channel": delivery.channel,
        "kind": delivery.kind,
        "cause_ids": delivery.event_ids,
    }


class DeliveryPlanner:
    """Plans deliveries: e-mails, pushes, texts and summaries of people's own actions wait as digests.

    Messages to machines go into the queues of their subscriptions; other in-app notifications are delivered by being
    written.
    """

    def __init__(
        self,
        preferences: PreferenceStore,
        deliveries: Deliveries,
        queues: SubscriptionQueues,
        inbox: Inbox,
        browsers: PushSubscriptions,
        phones: Phones,
        pause: timedelta,
        run_pause: timedelta,
        wakeup_name: str,
        clock: Clock = utc_now,
        ids: Callable[[], str] = new_id,
    ) -> None:
        self._ids = ids
        self._preferences = preferences
        self._deliveries = deliveries
        self._queues = queues
        self._inbox = inbox
        self._browsers = browsers
        self._phones = phones
        self._pacing = Pacing(pause)
        self._run_pacing = Pacing(run_pause, LONGEST_RUN)
        self._wakeup_name = wakeup_name
        self._clock = clock

    async def write(self, notices: Sequence[Notice], transaction: Transaction) -> None:
        preferences = await self._preferences.find({notice.account_id for notice in notices})
        wanted = [notice for notice in _once(notices) if _wanted(notice, preferences)]
        wanted = await self._to_each_browser(wanted, transaction)
        wanted = await self._to_phones(wanted, transaction)
        digested = [notice for notice in wanted if not notice.to_machine and self._is_digested(notice)]
        in_app = [notice for notice in wanted if notice.channel == "in_app" and not self._is_digested(notice)]
        machines = [notice for notice in wanted if notice.to_machine]
        if in_app:
            await self._write_in_app(in_app, transaction)
        if digested:
            await self._plan_digests(digested, transaction)
        if machines:
            await self._plan_for_machines(machines, transaction)

    async def _to_each_browser(self, notices: Sequence[Notice], transaction: Transaction) -> list[Notice]:
        """Replace each push notice by one for each browser of its account: each fails and is retried by itself."""
        account_ids = {notice.account_id for notice in notices if notice.channel == "push"}
        if not account_ids:
            return list(notices)
        browsers = await self._browsers.ids_of(account_ids, transaction.session)
        return [
            each
            for notice in notices
            for each in (
                [replace(notice, address=browser) for browser in browsers.get(notice.account_id, ())]
                if notice.channel == "push"
                else [notice]
            )
        ]

    async def _to_phones(self, notices: Sequence[Notice], transaction: Transaction) -> list[Notice]:
        """Drop the text messages to accounts without a verified phone."""
        account_ids = {notice.account_id for notice in notices if notice.channel == "sms"}
        if not account_ids:
            return list(notices)
        verified = await self._phones.verified(account_ids, transaction.session)
        return [notice for notice in notices if notice.channel != "sms" or notice.account_id in verified]

    def _is_digested(self, notice: Notice) -> bool:
        return notice.channel != "in_app" or bool(self._pacing.pause and notice.kind in SUMMARIZED)

    async def _write_in_app(self, notices: Sequence[Notice], transaction: Transaction) -> None:
        """Write the events of one batch as one notification, visible at once."""
        now = self._clock()
        deliveries = [
            new_delivery(self._ids(), stream[start : start + MAX_EVENTS], now, now)
            for stream in _by_stream(notices).values()
            for start in range(0, len(stream), MAX_EVENTS)
        ]
        await self._inbox.add(deliveries, transaction.session)
        for delivery in deliveries:
            transaction.publish(sent(delivery))

    async def _plan_digests(self, notices: Sequence[Notice], transaction: Transaction) -> None:
        streams = _by_stream(notices)
        latest = await self._deliveries.latest(streams, transaction.session) if self._pacing.pause else {}
        now = await self._deliveries.now()
        deliveries: list[Delivery] = []
        for stream, digested in streams.items():
            deliveries += plan_digests(digested, latest.get(stream), now, self._pacing_of(digested[0].kind), self._ids)
        await self._deliveries.save(list(latest.values()), deliveries, transaction.session)
        transaction.wake_after(self._wakeup_name)

    def _pacing_of(self, kind: Kind) -> Pacing:
        if kind in URGENT or not self._pacing.pause:
            return AT_ONCE
        return self._run_pacing if kind in SUMMARIZED else self._pacing

    async def _plan_for_machines(self, notices: Sequence[Notice], transaction: Transaction) -> None:
        deliveries = plan_digests(notices, None, self._clock(), AT_ONCE, self._ids)
        await self._deliveries.save([], deliveries, transaction.session)
        fed = {notice.subscription_id for notice in notices if notice.subscription_id is not None}
        await self._queues.add_to(fed, transaction.session)
        transaction.wake_after(self._wakeup_name)


def _once(notices: Iterable[Notice]) -> list[Notice]:
    """Keep one notice of an event for each personal channel, with the first reason, and for each subscription."""
    first: dict[tuple[str, str, str, str], Notice] = {}
    for notice in notices:
        machine = notice.subscription_id or "" if notice.to_machine else ""
        first.setdefault((notice.account_id, notice.channel, notice.event_id, machine), notice)
    return list(first.values())


def _wanted(notice: Notice, preferences: Mapping[str, Preferences]) -> bool:
    """Preferences apply to people's channels; machines follow their subscriptions."""
    wishes = preferences.get(notice.account_id) or Preferences(notice.account_id)
    return not any(
        kind == notice.kind and channel == notice.channel and not wishes.wants(kind, channel)
        for kind in CHOSEN_KINDS
        for channel in PERSONAL
    )


def _by_stream(notices: Iterable[Notice]) -> dict[str, list[Notice]]:
    streams: defaultdict[str, list[Notice]] = defaultdict(list)
    for notice in notices:
        streams[notice.stream].append(notice)
    return dict(streams)
