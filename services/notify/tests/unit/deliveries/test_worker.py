"""What a sender does with the answers of its channel and with a lease it has lost."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from notify_fakes import FakeValidity

from docstore_events.catalogue.notifications import NotificationFailed, NotificationSent
from docstore_events.testing import FakeTransactor
from docstore_notify.channels.results import NotNow, Refused
from docstore_notify.claim_worker import ClaimWorker
from docstore_notify.deliveries.attempt import DeliveryAttempt
from docstore_notify.deliveries.outcome_recorder import OutcomeRecorder
from docstore_notify.deliveries.repository import Claim
from docstore_notify.deliveries.rules import AttemptResult
from docstore_notify.deliveries.worker import DeliveryWorker
from docstore_notify.domain import Delivery
from docstore_notify.metrics import first_attempts
from docstore_notify.settings import NotifySettings
from docstore_platform.mongodb.session import Session
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually
from docstore_work.lease_queue import Lease

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DELIVERY = Delivery("d1", "anna", "email", "upload_done", NOW, NOW, ({},), ("e1", "e2"), attempts=3)
CLAIM = Claim(DELIVERY, Lease("d1", "mine", 3, {}))


class FakeDeliveries:
    """One delivery, held under a token."""

    def __init__(self) -> None:
        self.token, self.state = "mine", "pending"
        self.postponed_for: timedelta | None = None

    async def end(self, claim: Claim, state: str, attempt: AttemptResult, now: datetime, session: Session) -> bool:
        if claim.lease.owner == self.token:
            self.state = state
        return claim.lease.owner == self.token

    async def postpone(self, claim: Claim, wait: timedelta, attempt: AttemptResult, now: datetime) -> None:
        self.postponed_for = wait


class NeverValidated:
    """The permission check never answers."""

    async def of(self, delivery: Delivery) -> Delivery:
        await asyncio.Event().wait()
        return delivery


class Stage:
    """A sender among fakes."""

    def __init__(self) -> None:
        self.deliveries, self.transactor = FakeDeliveries(), FakeTransactor()
        self.answers: Iterator[Exception | None] = iter([None])
        self.sent: list[str] = []

    async def send(self, delivery: Delivery) -> None:
        answer = next(self.answers)
        if answer is not None:
            raise answer
        self.sent.append(delivery.id)

    async def has_sent(self) -> list[str]:
        return self.sent

    def sender(self) -> DeliveryWorker:
        infra = InfraSettings()
        settings = NotifySettings(infra=infra)
        delivery_attempt = DeliveryAttempt({"email": self}, FakeValidity(), 1.0)  # type: ignore[dict-item, arg-type]
        recorder = OutcomeRecorder(self.deliveries, self.transactor, settings, lambda: NOW)  # type: ignore[arg-type]
        return DeliveryWorker(self.deliveries, delivery_attempt, recorder, settings, lambda: NOW)  # type: ignore[arg-type]

    async def run(self, claim: Claim = CLAIM) -> None:
        await self.sender().do(claim)


async def test_an_accepted_mail_is_marked_and_published_with_its_causes() -> None:
    """notification-sent names every event in the mail."""
    stage = Stage()
    await stage.run()
    (event,) = stage.transactor.published
    assert isinstance(event, NotificationSent)
    assert (event.cause_ids, event.revision) == (("e1", "e2"), 1)
    assert stage.deliveries.state == "sent"


async def test_a_sender_that_has_lost_its_lease_publishes_nothing() -> None:
    """The one that took the mail over publishes it, once."""
    stage = Stage()
    stage.deliveries.token = "another's"
    await stage.run()
    assert stage.transactor.published == []
    assert stage.deliveries.state == "pending"


async def test_a_failed_write_of_the_outcome_is_retried() -> None:
    """Within the lease the mark is insisted on: lost, it would double the mail."""
    stage = Stage()
    stage.transactor.failures = 2
    await stage.run()
    assert stage.deliveries.state == "sent"
    assert stage.sent == ["d1"]


@pytest.mark.parametrize(
    ("answers", "counted"),
    [([None], "accepted"), ([Refused("no such mailbox")], "refused"), ([NotNow("busy"), NotNow("busy")], "postponed")],
)
async def test_a_message_counts_once_by_its_first_attempt(answers: list[Exception | None], counted: str) -> None:
    """A mail server that is away for an hour is one error for each mail, however often each is tried."""
    before = first_attempts.labels("email", counted)._value.get()
    stage = Stage()
    stage.answers = iter(answers)
    for number in range(1, len(answers) + 1):
        await stage.run(replace(CLAIM, delivery=replace(DELIVERY, attempts=number)))
    assert first_attempts.labels("email", counted)._value.get() - before == 1


@pytest.mark.parametrize("error", [NotNow("busy"), TimeoutError(), KeyError("a mistake of ours")])
async def test_whatever_may_pass_is_tried_again_later(error: Exception) -> None:
    """The third try failed: the fourth comes after about four seconds."""
    stage = Stage()
    stage.answers = iter([error])
    await stage.run()
    assert stage.deliveries.postponed_for is not None
    assert timedelta(seconds=3) < stage.deliveries.postponed_for < timedelta(seconds=5)
    assert stage.transactor.published == []


async def test_an_unanswered_permission_check_is_retried_later() -> None:
    """Within the time that a lease allows for, or two senders would be at it; the receiver is not to blame."""
    delivery_attempt = DeliveryAttempt({}, NeverValidated(), 0.05)  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        attempt = await delivery_attempt.send(DELIVERY)
    assert (attempt.outcome, attempt.final) == ("not_asked", False)


async def test_a_channels_retry_after_is_respected() -> None:
    """A Retry-After is longer than our own wait would have been."""
    stage = Stage()
    stage.answers = iter([NotNow("busy", 120.0)])
    await stage.run()
    assert stage.deliveries.postponed_for is not None
    assert stage.deliveries.postponed_for > timedelta(seconds=90)


@pytest.mark.parametrize(("error", "age"), [(Refused("no such mailbox"), 0), (NotNow("busy"), 25)])
async def test_a_permanent_refusal_fails_with_its_reason(error: Exception, age: int) -> None:
    """Refused for good, or tried for a day."""
    stage = Stage()
    stage.answers = iter([error])
    await stage.run(replace(CLAIM, delivery=replace(DELIVERY, created_at=NOW - timedelta(hours=age))))
    (event,) = stage.transactor.published
    assert isinstance(event, NotificationFailed)
    assert event.reason == str(error)


class OneBadRow(FakeDeliveries):
    """The first row taken up can't be read; then there is a good one."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Iterator[Claim | Exception | None] = iter([KeyError("items"), CLAIM])

    async def claim(self) -> Claim | None:
        row = next(self.rows, None)
        if isinstance(row, Exception):
            raise row
        return row

    async def due_in(self) -> float | None:
        return None


async def test_a_row_that_cannot_be_read_does_not_stop_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bad row must not be the end of all mails of this instance."""
    monkeypatch.setattr("docstore_notify.claim_worker.RETRY_SECONDS", 0.001)
    stage = Stage()
    stage.deliveries = OneBadRow()
    worker = ClaimWorker("sender", stage.sender(), parallel=2, poll_seconds=1.0, wakeup_name="w")
    async with worker.running():
        await eventually(stage.has_sent)
    assert stage.deliveries.state == "sent"
