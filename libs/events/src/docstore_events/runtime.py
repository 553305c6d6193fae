"""Runs the event side of one service: topics, outbox relay, consumer and supervision."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import structlog

from docstore_contracts.operations import Health
from docstore_events.consuming.consumer import Consumer
from docstore_events.consuming.dead_letters import REFUSED, DeadLetter, DeadLetters
from docstore_events.consuming.inbox import Inbox
from docstore_events.consuming.kafka_reader import KafkaReader
from docstore_events.outbox.relay import Relay
from docstore_events.subscribers import Subscribers
from docstore_events.topics import provision_topics
from docstore_events.transaction import Transaction, Transactor, create_outbox_indexes
from docstore_platform.mongodb.client import Database, Document, Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.tasks import end_tasks
from docstore_work.loop import Loop
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
COUNT_SECONDS = 60.0
"""Dead letters are counted this often: another instance may have replayed them."""


class EventRuntime:
    """Runs relay and consumer of a service. `transactor` changes the service's state and publishes events."""

    def __init__(
        self,
        service: str,
        settings: InfraSettings,
        mongo: Mongo,
        database: Database,
        subscribers: Subscribers[Any] | None = None,
        *,
        linger_seconds: float = 0.0,
    ) -> None:
        self.service = service
        self._settings = settings
        self._database = database
        self.transactor = Transactor(mongo, database, service, settings.topic_prefix)
        self.inbox = Inbox(database)
        self.dead_letters = DeadLetters(database, service)
        self.relay = Relay(database, service, settings, wakeup_name=self.transactor.wakeup_name)
        self._linger_seconds = linger_seconds
        self.consumer: Consumer | None = None
        self._reader: KafkaReader | None = None
        if subscribers is not None:
            self.subscribe(subscribers)

    def subscribe(self, subscribers: Subscribers[Any]) -> None:
        """Set the subscribers before `running`, if they need this runtime's transactor."""
        self.consumer = Consumer(self.service, subscribers, self.inbox, self.transactor, self.dead_letters)
        self._reader = KafkaReader(
            self.service, self._settings, self.consumer.topics, self.consumer.consume, self._linger_seconds
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay and consume until the block ends. If the broker is down, wait for it in the background."""
        await create_outbox_indexes(self._database)
        waiting = await self.dead_letters.count()
        self.dead_letters.none_yet = self._settings.single_instance and not waiting
        counting = Loop.periodic(f"{self.service} dead letters", self.dead_letters.count, COUNT_SECONDS)
        tasks = [
            asyncio.create_task(self._keep(self._relay), name=f"{self.service} relay"),
            asyncio.create_task(counting.run(), name=counting.name),
        ]
        if self._reader is not None:
            tasks.append(asyncio.create_task(self._keep(self._consume), name=f"{self.service} consumer"))
        try:
            yield
        finally:
            await end_tasks(tasks)
            await self.relay.lease.give_up()

    async def republish(self, event_ids: Sequence[str]) -> int:
        """Republish events of this service under their old ids; return how many had been sent before."""
        return await self._republish({"_id": {"$in": list(event_ids)}})

    async def republish_since(self, moment: datetime) -> int:
        """Republish all events sent since `moment`, such as after the broker has lost a log."""
        return await self._republish({"sent_at": {"$gte": moment}})

    async def _republish(self, chosen: Document) -> int:
        outcome = await self._database["outbox"].update_many(
            {**chosen, "state": "sent"}, {"$set": {"state": "pending"}}
        )
        wake(self.transactor.wakeup_name)
        return int(outcome.modified_count)

    async def replay(self, dead_letter: DeadLetter) -> tuple[int, str | None]:
        """Replay a dead letter and those of its aggregate, or republish an event that the broker refused.

        Returns how many succeeded, and why the next one did not.
        """
        if dead_letter.reason != REFUSED:
            assert self.consumer is not None
            return await self.consumer.replay(dead_letter)

        async def work(transaction: Transaction) -> None:
            await self.dead_letters.mark_replayed(dead_letter.id, transaction)
            await self._database["outbox"].update_one(
                {"_id": dead_letter.id, "state": REFUSED}, {"$set": {"state": "pending"}}, session=transaction.session
            )
            transaction.wake_after(self.transactor.wakeup_name)

        await self.transactor.run(work)
        await self.dead_letters.count()
        return 1, None

    async def check_consumer(self) -> None:
        """Check for readiness that the consumer has joined its group, even if it got no partition."""
        if self._reader is not None and not self._reader.joined:
            raise RuntimeError("the consumer has not joined its group yet")

    async def health(self) -> Health:
        """Return this instance's consumer lag by topic, and the service's counts of outbox rows and dead letters."""
        lag = await self._reader.lag() if self._reader is not None else {}
        pending, oldest_seconds = await self.relay.waiting()
        prefix = self._settings.topic_prefix
        return {
            "consumes": self.consumer is not None,
            "joined": self._reader is not None and self._reader.joined,
            "lag": {topic.removeprefix(prefix): events for topic, events in sorted(lag.items())},
            "outbox": {"pending": pending, "oldest_seconds": oldest_seconds},
            "dead_letters": await self.dead_letters.count(),
        }

    async def _keep(self, run: Any) -> None:
        """Restart a component whenever it ends, as long as the service runs."""
        while True:
            try:
                await run()
            except Exception as error:  # noqa: BLE001 - whatever failed, the component is restarted
                log.warning("event_task_restarted", service=self.service, part=run.__name__, error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _relay(self) -> None:
        await self.relay.waiting()  # while the broker is away nothing else measures what waits for it
        await provision_topics(self._settings)
        await self.relay.run()

    async def _consume(self) -> None:
        assert self._reader is not None
        await provision_topics(self._settings)
        await self._reader.run()
