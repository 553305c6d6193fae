"""What a clock, a stalled relay, a database election and a broker's lost log do to events, on real servers."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import MessageSizeTooLargeError
from usage_pair import UsageLedger, UsagePair

from docstore_events.catalogue.usage import UsageChanged
from docstore_events.consuming.consumer import Record
from docstore_events.outbox.relay import Relay
from docstore_events.outbox.sent_logs import LogLost, SentLogs
from docstore_events.runtime import EventRuntime
from docstore_events.topics import provision_topics
from docstore_events.transaction import Transaction, create_outbox_indexes
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Database, Document, Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.metrics import dead_letters_waiting, outbox_lag_seconds
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

HOUR = timedelta(hours=1)


class Ledger(UsageLedger):
    """Stores each event's figure, and the newest of each account."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.newest = database["newest"]

    async def commit(self, batch: list[UsageChanged], transaction: Transaction) -> None:
        await super().commit(batch, transaction)
        for event in batch:
            newest = {"$max": {"used": event.used}}
            await self.newest.update_one({"_id": event.account_id}, newest, upsert=True, session=transaction.session)


class Stage(UsagePair):
    """A publishing service, a consuming one, and the outbox and the log between them."""

    def __init__(self, infra: InfraSettings, mongo: Mongo) -> None:
        super().__init__(infra, mongo, Ledger)
        self._relays: list[Relay] = []

    def relay(self, kind: type[Relay] = Relay, **options: Any) -> Any:
        relay = kind(self.published, "teller", self.infra, wakeup_name="outbox", **options)
        self._relays.append(relay)
        return relay

    async def close(self) -> None:
        """Close the producers of its relays, also of a failed test."""
        for relay in self._relays:
            await relay.close()

    async def receives_up_to(self, account: str, figure: int) -> None:
        async def probe() -> bool:
            return figure in await self.ledger.of(account)

        await eventually(probe)

    async def all_sent(self) -> None:
        async def probe() -> bool:
            return await self.published["outbox"].count_documents({"state": "pending"}) == 0

        await eventually(probe)

    async def records(self) -> list[Record]:
        """What the relay would publish, as the consumer would receive it."""
        rows = await self.published["outbox"].find().sort("sequence", 1).to_list(None)
        return [_record(row, offset) for offset, row in enumerate(rows)]

    async def wipe_topic(self, *, may_be_back: bool = False) -> None:
        """The broker loses the topic with all that is in it. `may_be_back`: a service may create it again at once."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.infra.kafka_bootstrap)
        await admin.start()
        topic = f"{self.infra.topic_prefix}usage"
        await admin.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await admin.list_topics()

        if not may_be_back:
            await eventually(gone)
        await admin.close()


def _record(row: Document, offset: int) -> Record:
    headers = tuple((name, bytes(value)) for name, value in row["headers"])
    return Record(row["topic"], 0, offset, row["key"], headers, bytes(row["value"]))


@pytest.fixture
async def stage(infra: InfraSettings) -> AsyncIterator[Stage]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    stage = Stage(infra, mongo)
    await create_outbox_indexes(stage.published)
    await create_outbox_indexes(stage.received)
    yield stage
    await stage.close()
    mongo.close()


async def test_shuffled_and_doubled_delivery_counts_each_event_once(stage: Stage) -> None:
    """In whatever order and however often events come, each takes effect once, and the newest state stands."""
    for account in ("anna", "bert", "cleo"):
        await stage.publish(account, *range(1, 21))
    records = await stage.records() * 3
    random.Random(7).shuffle(records)
    first, second = stage.subscriber().consumer, stage.subscriber().consumer
    assert first is not None
    assert second is not None
    for start in range(0, len(records), 40):  # two instances, each given the same parts of the log
        part = records[start : start + 20]
        await asyncio.gather(first.consume(part), second.consume(part + records[start + 20 : start + 40]))
    for account in ("anna", "bert", "cleo"):
        assert sorted(await stage.ledger.of(account)) == list(range(1, 21))
    assert {row["used"] async for row in stage.ledger.newest.find()} == {20}
    assert await stage.received["dead_letters"].count_documents({}) == 0


class Stalled(Relay):
    """Stops between reading its rows and sending them, until it is let go."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.stopped, self.let_go = asyncio.Event(), asyncio.Event()

    async def _send(self, *arguments: Any) -> tuple[int, int]:
        self.stopped.set()
        await self.let_go.wait()
        return await super()._send(*arguments)


async def test_a_relay_paused_beyond_its_lease_loses_and_overtakes_nothing(stage: Stage) -> None:
    """While it sleeps another sends its rows and later ones; what it then sends late is a double, not a change."""
    await provision_topics(stage.infra)
    await stage.publish("anna", 1, 2)
    sleeper, other = stage.relay(Stalled, lease_seconds=0.05), stage.relay(lease_seconds=600)
    assert await sleeper.lease.hold()
    late = asyncio.create_task(sleeper.relay_pending())
    await sleeper.stopped.wait()

    await eventually(other.lease.hold)
    await stage.publish("anna", 3, 4)
    assert await other.relay_pending() == 4
    sleeper.let_go.set()
    (outcome,) = await asyncio.gather(late, return_exceptions=True)
    assert type(outcome).__name__ == "LeaseLost"

    await stage.publish("anna", 5)
    assert await other.relay_pending() == 1
    async with stage.subscriber().running():
        await stage.receives("anna", 1, 2, 3, 4, 5)


class SmallBroker:
    """A producer whose broker takes no batch that is larger than what one row of a test needs."""

    def __init__(self, producer: Any, max_bytes: int) -> None:
        self.producer, self.max_bytes = producer, max_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.producer, name)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        if batch.size() <= self.max_bytes:
            return await self.producer.send_batch(batch, topic, partition=partition)
        refused = asyncio.get_running_loop().create_future()
        refused.set_exception(MessageSizeTooLargeError())
        return refused


class Confined(Relay):
    """Sends to such a broker."""

    max_bytes = 1000

    async def _get_producer(self) -> Any:
        return SmallBroker(await super()._get_producer(), self.max_bytes)


async def test_an_event_too_large_for_the_broker_holds_up_no_other(stage: Stage) -> None:
    """It becomes a dead letter, is gone from what is pending, and goes out when it is replayed to a broker that takes
    it; batches that are too large for the broker go out in smaller ones."""
    await provision_topics(stage.infra)
    relay, publisher = stage.relay(Confined), stage.publisher()
    assert await relay.lease.hold()
    (large,) = await stage.publish("anna" * 300, 1)
    await stage.publish("anna" * 300, 2)
    await stage.publish("bert", *range(1, 11))
    while await relay.relay_pending():
        pass
    letters = await publisher.dead_letters.page("", 10)
    assert {letter.reason for letter in letters} == {"refused"}
    assert [letter.record.key for letter in letters] == ["anna" * 300] * 2
    assert letters[0].event_type == "usage-changed"
    assert (await publisher.health())["outbox"]["pending"] == 0
    async with stage.subscriber().running():
        await stage.receives("bert", *range(1, 11))
        (letter,) = [letter for letter in letters if letter.id == large]
        assert await publisher.replay(letter) == (1, None)
        assert await relay.relay_pending() == 1  # still too large
        assert len(await publisher.dead_letters.page("", 10)) == 2
        relay.max_bytes = 10_000
        for letter in letters:
            assert await publisher.replay(letter) == (1, None)
        assert await relay.relay_pending() == 2
        await stage.receives("anna" * 300, 1, 2)
    assert await publisher.dead_letters.count() == 0


async def test_an_own_event_that_is_too_large_delays_no_consumption(stage: Stage) -> None:
    """A service that consumes its own topic continues with what others publish about the same aggregate."""
    await provision_topics(stage.infra)
    relay, key, ledger = stage.relay(Confined), "anna" * 300, Ledger(stage.published)
    assert await relay.lease.hold()
    await stage.publish(key, 1)
    while await relay.relay_pending():
        pass
    await stage.publish(key, 2)
    both = EventRuntime("teller", stage.infra, stage.mongo, stage.published, ledger)
    assert both.consumer
    await both.consumer.consume([(await stage.records())[-1]])
    assert await ledger.of(key) == [2]
    assert [letter.reason for letter in await both.dead_letters.page("", 10)] == ["refused"]


async def test_a_relay_whose_clock_is_an_hour_fast_leaves_no_lease_behind(stage: Stage) -> None:
    """It neither takes a lease that someone holds nor keeps one for the hour it is ahead: else events would wait."""
    fast, right = stage.relay(clock=lambda: utc_now() + HOUR), stage.relay()
    assert await right.lease.hold()
    assert not await fast.lease.hold()
    await right.lease.give_up()
    assert await fast.lease.hold()
    assert not await right.lease.hold()
    lease = await stage.published["outbox_lease"].find_one({"_id": "relay"})
    assert lease["until"] < utc_now() + timedelta(minutes=1)


async def test_a_relay_with_a_clock_an_hour_slow_detects_that_its_lease_has_ended(stage: Stage) -> None:
    """A clock set back after the lease was taken does not make it last longer."""
    offset = timedelta(0)
    slow, right = stage.relay(clock=lambda: utc_now() - offset, lease_seconds=0.05), stage.relay(lease_seconds=600)
    assert await slow.lease.hold()
    offset = HOUR
    await eventually(right.lease.hold)
    assert not await slow.lease.hold()


async def test_the_relay_reads_only_what_no_election_can_undo(stage: Stage) -> None:
    """A row that a new primary does not have would publish a change that never was."""
    assert stage.relay()._outbox.read_concern.level == "majority"


async def test_writes_resume_after_the_database_steps_down_in_mid_commit(stage: Stage, infra: InfraSettings) -> None:
    """While a primary steps down, transactions under way are done again or committed again: each takes effect once."""
    operator = Mongo(infra.mongo_url.get_secret_value(), app_name="operator")
    admin = operator.database("admin")
    stop = asyncio.Event()

    async def keep_publishing(account: str) -> int:
        figure = 0
        while not stop.is_set():
            figure += 1
            await stage.publish(account, figure)
            await asyncio.sleep(0.02)  # so that who listens has no more to do than it can, on any machine
        return figure

    async with stage.publisher().running(), stage.subscriber().running():
        writers = [asyncio.create_task(keep_publishing(account)) for account in "abcdefgh"]
        await stage.receives_up_to("a", 3)
        for _ in range(2):
            await admin.command({"replSetStepDown": 1, "secondaryCatchUpPeriodSecs": 0, "force": True})
            published = await stage.published["outbox"].count_documents({})

            async def more(before: int = published) -> bool:
                return bool(await stage.published["outbox"].count_documents({}) > before + 20)

            await eventually(more)
        stop.set()
        figures = await asyncio.gather(*writers)
        for account, last in zip("abcdefgh", figures, strict=True):
            await stage.receives(account, *range(1, last + 1))
    operator.close()


async def test_what_waits_is_measured_while_the_broker_is_away(stage: Stage) -> None:
    """The age of the oldest event grows then; an instance that does not relay shows none, whatever it showed before."""
    await stage.publish("anna", 1)
    await stage.published["outbox"].update_many({}, [{"$set": {"created_at": {"$subtract": ["$$NOW", 3_600_000]}}}])
    away = stage.infra.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})

    async def shows_an_hour() -> bool:
        return bool(outbox_lag_seconds.labels("teller")._value.get() >= HOUR.total_seconds())

    async def shows_none() -> bool:
        return bool(outbox_lag_seconds.labels("teller")._value.get() == 0)

    outbox_lag_seconds.labels("teller").set(0)
    async with EventRuntime("teller", away, stage.mongo, stage.published).running():
        await eventually(shows_an_hour)
    assert await stage.relay().lease.hold()
    async with stage.publisher().running():
        await eventually(shows_none)
    assert await stage.published["outbox"].count_documents({"state": "pending"}) == 1


async def test_an_instance_shows_the_dead_letters_that_there_are(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if another one has replayed them: an alert on a figure that none corrects would never end."""
    monkeypatch.setattr("docstore_events.runtime.COUNT_SECONDS", 0.05)
    async with stage.subscriber().running():
        dead_letters_waiting.labels("ledger").set(1)

        async def shows_none() -> bool:
            return bool(dead_letters_waiting.labels("ledger")._value.get() == 0)

        await eventually(shows_none)


@pytest.fixture
def _checks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docstore_events.outbox.relay.CHECK_SECONDS", 1.0)


async def test_a_complete_log_is_not_republished(stage: Stage) -> None:
    """Batches of several events are found where they were written, however late a broker reports the end of its log."""
    await provision_topics(stage.infra)
    relay, logs = stage.relay(), SentLogs(stage.published, "teller", stage.infra)
    assert await relay.lease.hold()
    for first in (1, 8, 15):
        await stage.publish("anna", *range(first, first + 7))
        assert await relay.relay_pending() == 7
        for _ in range(2):
            await logs.check()
    assert list((await logs.last_batches()).values()) == [14]
    await relay.close()
    await stage.wipe_topic()
    await provision_topics(stage.infra)
    await logs.check()  # once is not enough: a broker may be slow
    with pytest.raises(LogLost):
        await logs.check()


@pytest.mark.usefixtures("_checks_often")
async def test_a_topic_lost_while_services_run_comes_back_by_itself(stage: Stage) -> None:
    """After a broker has lost a topic, events flow again, and what it lost is consumed, without an operator."""
    async with stage.publisher().running(), stage.subscriber().running():
        await stage.publish("anna", 1, 2, 3)
        await stage.receives("anna", 1, 2, 3)
        await stage.wipe_topic(may_be_back=True)
        await stage.publish("anna", 4)
        await stage.receives("anna", 1, 2, 3, 4)


@pytest.mark.usefixtures("_checks_often")
async def test_unread_events_of_a_lost_topic_are_republished(stage: Stage) -> None:
    """Nothing is published after the loss: the relay detects by itself that the log ends before what it has sent."""
    async with stage.publisher().running():
        await stage.publish("anna", 1, 2, 3)
        await stage.all_sent()
        await stage.wipe_topic()
        async with stage.subscriber().running():
            await stage.receives("anna", 1, 2, 3)


async def test_a_topic_regrown_past_the_stored_offset_is_republished(stage: Stage) -> None:
    """A consumer can't see that the log before its offset is another one; the relay can, and republishes it."""
    async with stage.publisher().running(), stage.subscriber().running():
        await stage.publish("anna", 1, 2, 3)
        await stage.receives("anna", 1, 2, 3)
    await stage.wipe_topic()
    await provision_topics(stage.infra)
    async with stage.publisher().running():
        await stage.publish("anna", 4, 5, 6)
        await stage.all_sent()
        async with stage.subscriber().running():
            await stage.receives("anna", *range(1, 7), ordered=False)
            newest = await stage.ledger.newest.find_one({"_id": "anna"})
            assert newest["used"] == 6
