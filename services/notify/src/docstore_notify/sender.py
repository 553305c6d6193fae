"""Sends the messages that are due, each under a lease: a sender that died loses it, and another sends it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from time import perf_counter
from typing import Any, Protocol

import structlog

from docstore_events.notifications import NotificationFailed, NotificationSent
from docstore_events.transaction import Transaction, Transactor
from docstore_events.wakeup import Wakeup, wake
from docstore_notify import metrics
from docstore_notify.delivery_store import Claim, Deliveries
from docstore_notify.domain import ChannelName, Delivery, NotNow, Refused, State, retry_after
from docstore_notify.receipts import Receipt
from docstore_notify.settings import NotifySettings
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongo import PyMongoError
from docstore_platform.tracing import span

log = structlog.get_logger(__name__)

OUTAGE_SECONDS = 1.0
STOP_SECONDS = 10.0
MARK_DELAY_SECONDS = 0.2


class Channel(Protocol):
    """A way to reach people."""

    async def send(self, delivery: Delivery) -> Receipt | None:
        """Hand the message over; return once the channel has accepted it. Raises Refused or NotNow."""
        ...


class Sender:
    """One instance's sender; those of several instances share the work by claiming it."""

    def __init__(
        self,
        deliveries: Deliveries,
        channels: Mapping[ChannelName, Channel],
        transactor: Transactor,
        settings: NotifySettings,
        wakeup_name: str,
        clock: Clock = utc_now,
    ) -> None:
        self._deliveries = deliveries
        self._channels = channels
        self._transactor = transactor
        self._settings = settings
        self._clock = clock
        self._wakeup_name = wakeup_name
        self._slots = asyncio.Semaphore(settings.parallel)
        self._sending: set[asyncio.Task[None]] = set()
        self._stopping = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send until the block ends. What is being taken up or sent then is finished: cut off, it would wait for the
        end of its lease, and perhaps be sent twice."""
        loop = asyncio.create_task(self._run(), name="notify sender")
        try:
            yield
        finally:
            self._stopping = True
            wake(self._wakeup_name)
            await _finish({loop})
            await _finish(self._sending)

    async def _run(self) -> None:
        wakeup = Wakeup([self._wakeup_name])
        try:
            while not self._stopping:
                try:
                    if not await self._take_one():
                        await wakeup.wait(await self._idle_seconds())
                except Exception as error:  # noqa: BLE001 - whatever fails, mails must not stop for good
                    log.warning("sender tries again", service="notify", error=repr(error))
                    await asyncio.sleep(OUTAGE_SECONDS)
        finally:
            wakeup.close()

    async def _take_one(self) -> bool:
        """Begin to send one that is due; whether there was one."""
        await self._slots.acquire()
        try:
            now = self._clock()
            claim = await self._deliveries.claim(now, now + timedelta(seconds=self._settings.lease_seconds))
        except BaseException:
            self._slots.release()
            raise
        if claim is None:
            self._slots.release()
            return False
        task = asyncio.create_task(self.send(claim))
        self._sending.add(task)
        task.add_done_callback(self._sent)
        return True

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._slots.release()
        if not task.cancelled() and task.exception() is not None:
            log.warning("a delivery waits for its lease to end", service="notify", error=repr(task.exception()))

    async def _idle_seconds(self) -> float:
        """Until the next one is due, but look now and then for what other instances have left."""
        next_at = await self._deliveries.next_at()
        if next_at is None:
            return self._settings.poll_seconds
        until = (next_at - self._clock()).total_seconds()
        return min(max(until, 0.0), self._settings.poll_seconds)

    async def send(self, claim: Claim) -> None:
        """Send one message and mark it, or give it back."""
        delivery = claim.delivery
        started = perf_counter()
        with span(f"notify {delivery.kind}", service="notify", traceparent=delivery.traceparent):
            try:
                async with asyncio.timeout(self._settings.send_seconds):
                    await self._channels[delivery.channel].send(delivery)
            except Refused as refusal:
                await self._end(claim, "failed", str(refusal))
                return
            except (NotNow, TimeoutError) as error:
                await self._put_off(claim, str(error) or "timed out")
                return
            except Exception as error:
                log.error("a message can't be made", delivery_id=delivery.id, exc_info=error)
                await self._put_off(claim, repr(error))
                return
            metrics.send_seconds.labels(delivery.channel).observe(perf_counter() - started)
            await self._end(claim, "sent", "")

    async def _put_off(self, claim: Claim, error: str) -> None:
        delivery, now = claim.delivery, self._clock()
        if now - delivery.created_at > timedelta(seconds=self._settings.give_up_seconds):
            await self._end(claim, "failed", error)
            return
        metrics.deliveries.labels(delivery.channel, delivery.kind, "put_off").inc()
        wait = retry_after(delivery.attempts) * random.uniform(0.8, 1.2)
        log.warning("message put off", delivery_id=delivery.id, seconds=round(wait.total_seconds(), 1), error=error)
        await self._insist(lambda: self._deliveries.put_off(claim, now + wait, error))

    async def _end(self, claim: Claim, state: State, reason: str) -> None:
        """Mark the message and say so, in one transaction, unless another sender has taken it up meanwhile."""
        delivery = claim.delivery

        async def work(tx: Transaction) -> bool:
            if not await self._deliveries.end(claim, state, self._clock(), tx.session):
                return False
            facts: dict[str, Any] = {
                "revision": 1,
                "delivery_id": delivery.id,
                "account_id": delivery.account_id,
                "channel": delivery.channel,
                "kind": delivery.kind,
                "cause_ids": delivery.event_ids,
            }
            tx.publish(NotificationSent(**facts) if state == "sent" else NotificationFailed(**facts, reason=reason))
            return True

        if await self._insist(lambda: self._transactor.run(work)):
            metrics.deliveries.labels(delivery.channel, delivery.kind, state).inc()

    async def _insist(self, write: Callable[[], Awaitable[Any]]) -> Any:
        """Write as soon as the database takes it, for as long as the lease lasts: a mark lost is a mail doubled."""
        async with asyncio.timeout(max(self._settings.lease_seconds - self._settings.send_seconds, 1.0)):
            while True:
                try:
                    return await write()
                except PyMongoError as error:
                    log.warning("a delivery can't be marked yet", service="notify", error=repr(error))
                    await asyncio.sleep(MARK_DELAY_SECONDS)


async def _finish(tasks: set[asyncio.Task[None]]) -> None:
    """Wait for tasks to end by themselves, and cancel those that take too long."""
    if not tasks:
        return
    _, unfinished = await asyncio.wait(tasks, timeout=STOP_SECONDS)
    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
