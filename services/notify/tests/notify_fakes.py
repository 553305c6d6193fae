"""In-memory fakes of the repositories, and the use cases on them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

from docstore_events.catalogue.event import Event
from docstore_events.testing import FakeTransactor, InMemoryEvents
from docstore_events.transaction import Transactor
from docstore_notify.channels.results import Receipt
from docstore_notify.contacts.rules import Contact
from docstore_notify.deliveries.attempt import DeliveryAttempt
from docstore_notify.deliveries.outcome_recorder import OutcomeRecorder
from docstore_notify.deliveries.planner import DeliveryPlanner
from docstore_notify.deliveries.queue_repository import NO_TIME, SubscriptionQueue
from docstore_notify.deliveries.repository import Claim
from docstore_notify.deliveries.rules import AttemptResult
from docstore_notify.domain import Delivery, Notice, State
from docstore_notify.notices.service import NotifyService
from docstore_notify.phone.rules import MAX_TRIES, Phone
from docstore_notify.preferences.rules import Preferences
from docstore_notify.push_subscriptions.rules import PushSubscription
from docstore_notify.settings import NotifySettings
from docstore_notify.shares.rules import Share
from docstore_notify.subscribers import NotifySubscribers
from docstore_notify.subscriptions.queue_worker import SubscriptionQueueWorker
from docstore_notify.subscriptions.rules import Subscription
from docstore_platform.mongodb.client import Session
from docstore_platform.settings import InfraSettings
from docstore_work.lease_queue import Lease


class FakeClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


class FakeValidity:
    """Everything may be sent but what is in `void`."""

    def __init__(self) -> None:
        self.void: set[str] = set()

    async def of(self, delivery: Delivery) -> Delivery | None:
        return None if delivery.id in self.void else delivery


class ScriptedChannel:
    """Accepts deliveries, after it has raised the errors that it was given."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.sent: list[Delivery] = []

    async def send(self, delivery: Delivery) -> Receipt:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(delivery)
        return Receipt(200, "")


class FakeContacts:
    def __init__(self) -> None:
        self.rows: dict[str, Contact] = {}

    async def language_of(self, account_id: str) -> str:
        return self.rows[account_id].language if account_id in self.rows else "en"

    async def keep_newest(self, contacts: Iterable[Contact], session: Session) -> None:
        self.rows |= {contact.account_id: contact for contact in contacts}


class FakePreferences:
    def __init__(self) -> None:
        self.rows: dict[str, Preferences] = {}

    async def find(self, account_ids: Collection[str]) -> dict[str, Preferences]:
        return {id_: row for id_, row in self.rows.items() if id_ in account_ids}


class FakeSubscriptions:
    def __init__(self) -> None:
        self.rows: dict[str, Subscription] = {}

    async def find(self, subscription_id: str) -> Subscription | None:
        return self.rows.get(subscription_id)

    async def to_any_of(self, file_ids: Collection[str], session: Session) -> list[Subscription]:
        return [one for one in await self.of_files(file_ids, session) if one.active]

    async def of_files(self, file_ids: Collection[str], session: Session) -> list[Subscription]:
        return [one for one in self.rows.values() if one.file_id in file_ids]

    async def forget(self, subscriptions: Iterable[Subscription], session: Session) -> None:
        for one in subscriptions:
            del self.rows[one.id]

    async def disable(self, subscription_id: str, reason: str, now: datetime, session: Session) -> bool:
        before = self.rows[subscription_id]
        self.rows[subscription_id] = replace(before, disabled_reason=before.disabled_reason or reason)
        return before.active


class FakeShares:
    def __init__(self) -> None:
        self.rows: dict[str, Share] = {}

    async def find(self, share_ids: Collection[str], session: Session = None) -> dict[str, Share]:
        return {id_: row for id_, row in self.rows.items() if id_ in share_ids}

    async def keep(self, shares: Iterable[Share], session: Session) -> None:
        self.rows |= {share.id: share for share in shares}


class NoLimits:
    async def allowed(self, notices: Iterable[Notice], session: Session) -> list[Notice]:
        return list(notices)


class FakeRechecks:
    def __init__(self) -> None:
        self.account_ids: set[str] = set()
        self.taken_over: list[tuple[str, datetime]] = []

    async def add(self, account_ids: Collection[str], session: Session) -> None:
        self.account_ids |= set(account_ids)

    async def add_taken_over(self, account_id: str, at: datetime, session: Session) -> None:
        self.taken_over.append((account_id, at))


class FakeInbox:
    def __init__(self) -> None:
        self.rows: list[Delivery] = []

    async def add(self, deliveries: Sequence[Delivery], session: Session) -> None:
        self.rows += deliveries


class FakePushSubscriptions:
    def __init__(self) -> None:
        self.rows: dict[str, PushSubscription] = {}

    async def register(self, subscription: PushSubscription) -> PushSubscription:
        self.rows[subscription.id] = subscription
        return subscription

    async def knows(self, endpoint: str) -> bool:
        return any(row.endpoint == endpoint for row in self.rows.values())

    async def number(self, account_id: str) -> int:
        return len((await self.ids_of([account_id], None)).get(account_id, []))

    async def ids_of(self, account_ids: Collection[str], session: Session) -> dict[str, list[str]]:
        owners = {row.account_id for row in self.rows.values()} & set(account_ids)
        return {owner: [row.id for row in self.rows.values() if row.account_id == owner] for owner in owners}


class FakePhones:
    def __init__(self) -> None:
        self.rows: dict[str, Phone] = {}

    async def find(self, account_id: str) -> Phone | None:
        return self.rows.get(account_id)

    async def verified(self, account_ids: Collection[str], session: Session) -> set[str]:
        return {id_ for id_, row in self.rows.items() if id_ in account_ids and row.verified}

    async def put(self, phone: Phone) -> None:
        self.rows[phone.account_id] = phone

    async def count_try(self, account_id: str, now: datetime) -> Phone | None:
        row = self.rows.get(account_id)
        if row is None or row.verified or row.tries >= MAX_TRIES or row.code_expires_at <= now:
            return None
        self.rows[account_id] = replace(row, tries=row.tries + 1)
        return self.rows[account_id]

    async def verify(self, account_id: str, code_id: str) -> bool:
        row = self.rows.get(account_id)
        if row is None or row.code_id != code_id:
            return False
        self.rows[account_id] = replace(row, verified=True)
        return True

    async def remove(self, account_id: str) -> None:
        self.rows.pop(account_id, None)


class FakeDeliveries:
    """Pending deliveries by age; the last claim of each counts."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.rows: dict[str, Delivery] = {}
        self.owners: dict[str, str] = {}
        self.postponed_for: timedelta | None = None

    async def now(self) -> datetime:
        return self.clock()

    async def latest(self, streams: Collection[str], session: Session) -> dict[str, Delivery]:
        return {row.stream: row for row in self.rows.values() if row.stream in streams}

    async def save(self, known: Collection[Delivery], deliveries: Sequence[Delivery], session: Session) -> None:
        self.rows |= {delivery.id: delivery for delivery in deliveries}

    async def claim_next(self, subscription_id: str) -> Claim | None:
        for row in self.rows.values():
            if row.subscription_id == subscription_id and row.state == "pending":
                claimed = self.rows[row.id] = replace(row, attempts=row.attempts + 1)
                self.owners[row.id] = f"claim {claimed.attempts}"
                return Claim(claimed, Lease(row.id, self.owners[row.id], claimed.attempts, {}))
        return None

    async def end(self, claim: Claim, state: State, attempt: AttemptResult, now: datetime, session: Session) -> bool:
        id_ = claim.delivery.id
        if self.owners.get(id_) != claim.lease.owner:
            return False
        self.rows[id_] = replace(self.rows[id_], state=state)
        return True

    async def postpone(self, claim: Claim, wait: timedelta, attempt: AttemptResult, now: datetime) -> None:
        self.postponed_for = wait

    async def fail_waiting(
        self, subscription_id: str, reason: str, limit: int, now: datetime, session: Session
    ) -> list[Delivery]:
        of_queue = [row for row in self.rows.values() if row.subscription_id == subscription_id]
        waiting = [row for row in of_queue if row.state == "pending"][:limit]
        self.rows |= {row.id: replace(row, state="failed") for row in waiting}
        return waiting

    def states(self) -> list[State]:
        return [row.state for row in self.rows.values()]


@dataclass
class FakeQueues:
    """Queues by subscription: when each is due, or None while it rests, and its failures."""

    clock: FakeClock
    due: dict[str, datetime | None] = field(default_factory=dict)
    failures: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    async def add_to(self, subscription_ids: Collection[str], session: Session) -> None:
        for id_ in subscription_ids:
            self.due[id_] = self.due.get(id_) or self.clock()

    async def claim(self) -> SubscriptionQueue | None:
        for id_, due in self.due.items():
            if due is not None and due <= self.clock():
                number, since = self.failures.get(id_, (0, None))
                failing_for = self.clock() - since if since else NO_TIME
                return SubscriptionQueue(id_, Lease(id_, "mine", 1, {}), 0, number, since, failing_for)
        return None

    async def record_success(self, queue: SubscriptionQueue) -> None:
        self.failures.pop(queue.subscription_id)

    async def record_failure(self, queue: SubscriptionQueue, wait: timedelta) -> None:
        self.failures[queue.subscription_id] = (queue.failures + 1, queue.failing_since or self.clock())
        await self.release(queue, wait)

    async def release(self, queue: SubscriptionQueue, wait: timedelta = NO_TIME) -> None:
        self.due[queue.subscription_id] = self.clock() + wait

    async def rest(self, queue: SubscriptionQueue) -> None:
        self.due[queue.subscription_id] = None

    async def delete(self, queue: SubscriptionQueue) -> None:
        del self.due[queue.subscription_id]


class World:
    """The use cases on fakes, and a hand on everything behind them."""

    def __init__(self, **settings: Any) -> None:
        self.settings = NotifySettings(infra=InfraSettings(), **settings)
        self.clock = FakeClock()
        self.contacts, self.preferences, self.shares = FakeContacts(), FakePreferences(), FakeShares()
        self.subscriptions, self.rechecks, self.inbox = FakeSubscriptions(), FakeRechecks(), FakeInbox()
        self.deliveries, self.queues = FakeDeliveries(self.clock), FakeQueues(self.clock)
        self.transactor = FakeTransactor()
        self.webhook, self.validity = ScriptedChannel(), FakeValidity()
        numbers = count(1)
        self.new_id = lambda: f"{next(numbers):04}"
        self.browsers, self.phones = FakePushSubscriptions(), FakePhones()
        repositories: Any = (
            self.preferences,
            self.deliveries,
            self.queues,
            self.inbox,
            self.browsers,
            self.phones,
        )
        pauses = (
            timedelta(seconds=self.settings.digest_interval_seconds),
            timedelta(seconds=self.settings.upload_quiet_delay_seconds),
        )
        planner = DeliveryPlanner(*repositories, *pauses, "deliveries", self.clock, self.new_id)
        read: Any = (self.contacts, self.subscriptions, self.shares, NoLimits(), self.queues, self.rechecks)
        self.events = InMemoryEvents(NotifySubscribers(NotifyService(*read, planner, "rechecks")), self.transactor)
        channels: Any = {"webhook": self.webhook}
        attempt = DeliveryAttempt(channels, cast("Any", self.validity), 1.0)
        transactor = cast("Transactor", self.transactor)
        recorder = OutcomeRecorder(cast("Any", self.deliveries), transactor, self.settings, self.clock)
        queued: Any = (self.queues, self.deliveries, self.subscriptions)
        self.queue_worker = SubscriptionQueueWorker(
            *queued, attempt, recorder, planner, transactor, self.settings, self.clock
        )

    async def handle(self, *events: Event) -> None:
        """Handle events as one batch."""
        await self.events.deliver(*events)

    async def work(self) -> None:
        """Serve every queue that is due now."""
        while queue := await self.queue_worker.claim():
            await self.queue_worker.do(queue)

    def follow(self, account_id: str, file_id: str, channel: str = "webhook", *events: str) -> Subscription:
        one = Subscription(self.new_id(), account_id, file_id, channel, events or ("modified",), self.clock())  # type: ignore[arg-type]
        self.subscriptions.rows[one.id] = one
        return one

    def notices(self, account_id: str) -> list[tuple[str, str, str]]:
        """Channel, kind and change of what a person is notified of."""
        planned = [*self.inbox.rows, *self.deliveries.rows.values()]
        own = [one for one in planned if one.account_id == account_id]
        return [(one.channel, one.kind, str(item.get("change", ""))) for one in own for item in one.items]
