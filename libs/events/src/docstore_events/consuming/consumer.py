"""The only consume path: inbox, retries and dead letters around every service's subscribers.

A batch of events, its inbox rows, its effects and the events it publishes are one transaction. A batch that fails is
retried event by event; an event that keeps failing, or can't be read, becomes a dead letter, and the next ones proceed.
When the infrastructure fails, no event is to blame: the consumer waits and retries.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from docstore_events.catalogue.event import Event
from docstore_events.consuming.dead_letters import UNREADABLE, DeadLetter, DeadLetters, Record
from docstore_events.consuming.inbox import Inbox
from docstore_events.envelope import Envelope, UnreadableMessage, open_envelope
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import utc_now
from docstore_platform.errors import Unavailable
from docstore_platform.mongodb.client import is_passing
from docstore_platform.telemetry import metrics
from docstore_platform.telemetry.tracing import failed, is_recorded, start_span, traceparent_of

log = structlog.get_logger(__name__)

TRY_DELAYS_SECONDS = (0.05, 0.2, 0.8, 2.0)


class PermanentError(Exception):
    """Raised by a handler for an event that no retry can make acceptable."""


@dataclass(frozen=True, slots=True)
class Received:
    """A record and its event."""

    record: Record
    envelope: Envelope[Event]


def is_outage(error: BaseException) -> bool:
    """Whether a component of the infrastructure is down, so that any event would fail now."""
    return isinstance(error, Unavailable | ConnectionError | TimeoutError) or is_passing(error)


def _end_span(current: Span, _: type[BaseException] | None, error: BaseException | None, __: Any) -> None:
    if error is not None:
        failed(current, error)
    current.end()


class Consumer:
    """Applies records to one service's subscribers, each event once."""

    def __init__(
        self,
        service: str,
        subscribers: Subscribers[Any],
        inbox: Inbox,
        transactor: Transactor,
        dead_letters: DeadLetters,
    ) -> None:
        self._service = service
        self._subscribers = subscribers
        self._handlers = subscribers.handlers()
        self._inbox = inbox
        self._transactor = transactor
        self._dead_letters = dead_letters

    @property
    def topics(self) -> list[str]:
        """Topics of the events that have a handler."""
        return sorted({event.topic for event in self._handlers})

    async def consume(self, records: Sequence[Record]) -> None:
        """Handle or dead-letter `records`; raises only when the infrastructure fails."""
        started = perf_counter()
        readable: list[Received] = []
        for record in records:
            received = await self._open(record)
            if received is not None:
                readable.append(received)
        if readable:
            await self._handle_or_dead_letter(readable)
        metrics.handler_seconds.labels(self._service).observe(perf_counter() - started)

    async def _open(self, record: Record) -> Received | None:
        try:
            envelope = open_envelope(record.headers, record.value, self._handlers)
        except UnreadableMessage as error:
            await self._dead_letter(DeadLetter(record.position, record, "unknown", UNREADABLE, str(error), utc_now()))
            return None
        return None if envelope is None else Received(record, envelope)

    async def _handle_or_dead_letter(self, batch: list[Received]) -> None:
        blocked = await self._dead_letters.blocked(received.record for received in batch)
        free: list[Received] = []
        behind: list[Received] = []
        for received in batch:
            waits = (received.record.topic, received.record.key) in blocked
            (behind if waits else free).append(received)
        together = len(free) > 1 and await self._handle_together(free)
        for received in behind if together else batch:
            await self._handle_one(received)

    async def _handle_together(self, batch: list[Received]) -> bool:
        try:
            await self._apply(batch)
        except Exception as error:  # no outage, so one event may be the cause: each is handled alone
            if is_outage(error):
                raise
            log.warning("batch_failed_retrying_each_event", service=self._service, error=repr(error))
            return False
        return True

    async def _handle_one(self, received: Received) -> None:
        """Apply one event, with retries, unless it must wait behind a dead letter of its aggregate."""
        record, event_id = received.record, received.envelope.id
        while waits_for := (await self._dead_letters.blocked([record])).get((record.topic, record.key)):
            if await self._inbox.handled([event_id]) or await self._put_behind(received, waits_for):
                return
        error = await self._apply_with_retries(received)
        if error is not None:
            log.error("event_dead_lettered", service=self._service, event_id=event_id, exc_info=error)
            await self._dead_letter(_letter(received, "failed", repr(error)))

    async def _apply_with_retries(self, received: Received) -> Exception | None:
        """Apply the event, with retries; return the last error, or None once it is applied."""
        failure: Exception | None = None
        for delay in (0.0, *TRY_DELAYS_SECONDS):
            await asyncio.sleep(delay)
            try:
                await self._apply([received])
                return None
            except PermanentError as error:
                return error
            except Exception as error:  # no outage, so the event is the cause: retried, then dead-lettered
                if is_outage(error):
                    raise
                failure = error
        return failure

    async def _apply(self, batch: Sequence[Received], replayed: DeadLetter | None = None) -> None:
        """Apply those events of `batch` that the inbox does not contain yet, in one transaction."""
        with ExitStack() as spans:
            traced = (self._continue_trace(received, spans, alone=len(batch) == 1) for received in batch)
            envelopes = {envelope.id: envelope for envelope in traced}

            async def work(transaction: Transaction) -> list[Envelope[Event]]:
                seen = await self._inbox.handled(envelopes.keys(), transaction.session)
                fresh = [envelope for envelope in envelopes.values() if envelope.id not in seen]
                if fresh:
                    batch = self._subscribers.begin()
                    for envelope in fresh:
                        self._handlers[type(envelope.event)](envelope, batch)
                    await self._subscribers.commit(batch, transaction)
                    await self._inbox.add([envelope.id for envelope in fresh], transaction.session)
                if replayed is not None:
                    await self._dead_letters.mark_replayed(replayed.id, transaction)
                return fresh

            fresh = await self._transactor.run(work)
        self._count(fresh, duplicates=len(batch) - len(fresh))

    def _count(self, fresh: Sequence[Envelope[Event]], *, duplicates: int) -> None:
        metrics.duplicate_events.labels(self._service).inc(duplicates)
        for event_type, number in Counter(envelope.event.type for envelope in fresh).items():
            metrics.handled_events.labels(self._service, event_type).inc(number)
        delays = metrics.event_delay_seconds.labels(self._service)
        now = utc_now()
        for envelope in fresh:
            delays.observe(max((now - envelope.time).total_seconds(), 0.0))

    def _continue_trace(self, received: Received, spans: ExitStack, *, alone: bool) -> Envelope[Event]:
        """Return the envelope for handlers, with its trace continued in a span of this consumer.

        In a batch only recorded traces get a span; other trace ids are passed on unchanged, which costs nothing.
        """
        envelope, record = received.envelope, received.record
        if not alone and not is_recorded(envelope.traceparent):
            return envelope
        current = start_span(
            f"process {record.topic}",
            service=self._service,
            kind=SpanKind.CONSUMER,
            traceparent=envelope.traceparent or "",
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": record.topic,
                "messaging.destination.partition.id": str(record.partition),
                "messaging.kafka.offset": record.offset,
                "messaging.kafka.message.key": record.key,
                "messaging.message.id": envelope.id,
                "docstore.event.type": envelope.event.type,
            },
        )
        spans.push(partial(_end_span, current))
        if alone:
            spans.enter_context(trace.use_span(current))
        return replace(envelope, traceparent=traceparent_of(current))

    async def _dead_letter(self, dead_letter: DeadLetter) -> None:
        async def work(transaction: Transaction) -> None:
            await self._dead_letters.put(dead_letter, transaction)

        await self._transactor.run(work)
        await self._dead_letters.count()

    async def _put_behind(self, received: Received, waits_for: str) -> bool:
        """Dead-letter an event that waits for another one; False if that one has been replayed meanwhile."""
        dead_letter = _letter(received, f"waits_for:{waits_for}", "")

        async def work(transaction: Transaction) -> bool:
            return await self._dead_letters.put_behind(dead_letter, waits_for, transaction)

        is_put = await self._transactor.run(work)
        await self._dead_letters.count()
        return is_put

    async def replay(self, dead_letter: DeadLetter) -> tuple[int, str | None]:
        """Handle an aggregate's dead letters in order; return how many succeeded and why the next one failed."""
        replayed = 0
        while waiting_now := await self._dead_letters.of_aggregate(dead_letter):  # others may arrive meanwhile
            for waiting in waiting_now:
                try:
                    envelope = open_envelope(waiting.record.headers, waiting.record.value)
                    if envelope is None:
                        raise UnreadableMessage("its type is unknown")
                    await self._apply([Received(waiting.record, envelope)], waiting)
                except Exception as error:  # noqa: BLE001 - the operator gets the error
                    return replayed, repr(error)
                replayed += 1
        await self._dead_letters.count()
        return replayed, None


def _letter(received: Received, reason: str, error: str) -> DeadLetter:
    return DeadLetter(received.envelope.id, received.record, received.envelope.event.type, reason, error, utc_now())
