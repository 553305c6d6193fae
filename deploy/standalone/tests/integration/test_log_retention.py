"""The embedded broker's log is trimmed during use without loss or repetition."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from people import Person
from server_settings import infra_values

from docstore_events.catalogue.usage import UsageChanged
from docstore_events.envelope import Envelope, seal
from docstore_events.outbox.sent_logs import SentLogs
from docstore_events.runtime import EventRuntime
from docstore_events.subscribers import Subscribers
from docstore_events.topics import provision_topics
from docstore_events.transaction import Transaction
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually
from docstore_standalone.embedded.tansu import log_retention
from docstore_standalone.embedded.tansu.broker_log import BrokerLog, LogPartition
from docstore_standalone.embedded.tansu.log_retention import RETENTION, log_retention_running, trim
from docstore_standalone.servers import Servers
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack

pytestmark = [pytest.mark.connected, pytest.mark.faults]

KEPT = 10


@pytest.fixture(autouse=True)
def _few_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_retention, "KEPT", KEPT)
    monkeypatch.setattr(log_retention, "PAGE", 50)


@pytest.fixture
def infra(servers: Servers) -> InfraSettings:
    """Databases and topics of one test."""
    own = {"database_prefix": f"{new_id()[-8:]}_", "topic_prefix": f"{new_id()[-8:]}.", "topic_partitions": 1}
    return InfraSettings.model_validate(
        {**infra_values(servers), **own, "single_instance": True, "idle_interval_ms": 100}
    )


@pytest.fixture
def bucket(servers: Servers) -> Iterator[BrokerLog]:
    assert servers.broker_log is not None
    bucket = BrokerLog(servers.broker_log)
    yield bucket
    bucket.close()


class Topic:
    """One partition of usage events: figures are written to it, a batch each, and read from it."""

    def __init__(self, infra: InfraSettings) -> None:
        self.infra = infra
        self.at = TopicPartition(f"{infra.topic_prefix}usage", 0)

    async def say(self, figures: Sequence[int]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.infra.kafka_bootstrap, acks="all")
        await producer.start()
        try:
            for figure in figures:
                event = UsageChanged(revision=figure, account_id="ann", used=figure, reserved=0, limit=9, documents=0)
                headers = seal(event, source="quota", traceparent=None).headers()
                value = event.model_dump_json().encode()
                await producer.send_and_wait(self.at.topic, value, partition=0, headers=headers)
        finally:
            await producer.stop()

    @asynccontextmanager
    async def reader(self, group: str | None) -> AsyncIterator[AIOKafkaConsumer]:
        """From the group's offset, or from the beginning."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.infra.kafka_bootstrap,
            group_id=group and self.infra.topic_prefix + group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=200,
        )
        await consumer.start()
        consumer.assign([self.at])
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def read(self, group: str | None, until: int, *, most: int | None = None) -> list[int]:
        """What comes up to a figure; committed. With `most`, no more than so many in one go."""
        figures: list[int] = []
        async with self.reader(group) as consumer:

            async def has_come() -> bool:
                for records in (await consumer.getmany(timeout_ms=200, max_records=most)).values():
                    figures.extend(UsageChanged.model_validate_json(record.value).used for record in records)
                return bool(figures) and figures[-1] >= until

            await eventually(has_come)
            if group is not None:
                await consumer.commit()
        return figures

    async def batches(self, bucket: BrokerLog) -> list[int]:
        """First offsets of those that are there."""
        return [batch.first for batch in await bucket.oldest(LogPartition(*self.at), 1000)]


@pytest.fixture
async def topic(infra: InfraSettings) -> Topic:
    await provision_topics(infra)
    return Topic(infra)


async def trim_all(bucket: BrokerLog, topic: Topic) -> int:
    """As if all events had been published some time ago."""
    return await trim(bucket, topic.infra.topic_prefix, utc_now() + RETENTION + timedelta(seconds=1))


async def test_a_lagging_group_gets_everything_once(bucket: BrokerLog, topic: Topic) -> None:
    """What the slowest group needs stays until it has it; then the log is short, and new events are found in it."""
    await topic.say(range(120))
    assert await topic.read("indexer", 119) == list(range(120))
    first = await topic.read("quota", 39, most=1)
    assert first == list(range(40))
    assert await trim(bucket, topic.infra.topic_prefix, utc_now()) == 0
    assert await trim_all(bucket, topic) == 40
    assert await topic.batches(bucket) == list(range(40, 120))
    assert await topic.read("quota", 119) == list(range(40, 120))
    assert await trim_all(bucket, topic) == 80 - KEPT
    await topic.say(range(120, 125))
    assert await topic.read("quota", 124) == list(range(120, 125))
    assert await topic.read("indexer", 124) == list(range(120, 125))
    assert await trim_all(bucket, topic) == 5


async def test_readers_without_a_group_get_what_is_kept(bucket: BrokerLog, topic: Topic) -> None:
    """From the beginning means from what is left, also when it goes while it is read."""
    await topic.say(range(100))
    await topic.read("quota", 99)
    figures, removed = await asyncio.gather(topic.read(None, 99, most=1), trim_all(bucket, topic))
    assert removed == 100 - KEPT
    assert figures == sorted(set(figures))
    assert figures[-KEPT:] == list(range(100 - KEPT, 100))
    assert await topic.read(None, 99) == list(range(100 - KEPT, 100))
    async with topic.reader(None) as consumer:
        assert (await consumer.beginning_offsets([topic.at]))[topic.at] == 100 - KEPT


async def test_a_short_log_survives_a_crash_of_its_broker(servers: Servers, bucket: BrokerLog, topic: Topic) -> None:
    """kill -9 after the log was shortened: offsets go on where they were, and groups too."""
    await topic.say(range(40))
    await topic.read("quota", 39)
    assert await trim_all(bucket, topic) == 40 - KEPT
    await restarted(servers, "broker")
    await topic.say(range(40, 43))
    assert (await topic.batches(bucket))[-3:] == [40, 41, 42]
    assert await topic.read("quota", 42) == [40, 41, 42]
    assert await topic.read(None, 42) == list(range(40 - KEPT, 43))


async def restarted(servers: Servers, part: str) -> None:
    """Kill a part of the stack and wait until it runs again."""
    process = servers.supervisor.process_id(part).find()
    assert process is not None
    process.kill()

    async def is_another() -> bool:
        return servers.supervisor.process_id(part).pid != process.pid and servers.supervisor.is_ready(part)

    await eventually(is_another)


class Heard(Subscribers[list[int]]):
    """Records calls."""

    def __init__(self) -> None:
        self.figures: list[int] = []

    def begin(self) -> list[int]:
        return []

    def on_usage_changed(self, envelope: Envelope[UsageChanged], unit: list[int]) -> None:
        unit.append(envelope.event.used)

    async def commit(self, unit: list[int], transaction: Transaction) -> None:
        self.figures += unit


@asynccontextmanager
async def service(runtime: EventRuntime) -> AsyncIterator[None]:
    """A service with its events, ready."""

    async def is_ready() -> bool:
        try:
            await runtime.check_consumer()
        except RuntimeError:
            return False
        return True

    async with runtime.running():
        await eventually(is_ready)
        yield


async def test_a_service_that_has_handled_nothing_yet_misses_nothing(bucket: BrokerLog, topic: Topic) -> None:
    """It was ready once and then down for long, while another service handled all events."""
    infra, received = topic.infra, Heard()
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    runtime = EventRuntime("notify", infra, mongo, mongo.database(f"{infra.database_prefix}notify"), received)
    async with service(runtime):
        pass
    await topic.say(range(30))
    await topic.read("quota", 29)
    assert await trim_all(bucket, topic) == 0
    async with service(runtime):

        async def has_heard_all() -> bool:
            return received.figures == list(range(30))

        await eventually(has_heard_all)

        async def goes() -> bool:
            return await trim_all(bucket, topic) == 30 - KEPT

        await eventually(goes)
    mongo.close()


async def test_a_shortened_log_is_not_a_lost_one(bucket: BrokerLog, topic: Topic) -> None:
    """A service whose last batch is deleted republishes nothing: others have written after it."""
    infra = topic.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    database = mongo.database(f"{infra.database_prefix}accounts")
    await topic.say([0])
    logs = SentLogs(database, "accounts", infra)
    await logs.advance({}, {topic.at: 0})
    await topic.say(range(1, 30))
    await topic.read("quota", 29)
    assert await trim_all(bucket, topic) == 30 - KEPT
    for _ in range(3):
        await logs.check()
    assert await logs.last_batches() == {topic.at: 0}
    mongo.close()


async def test_the_log_is_trimmed_in_the_background_through_an_outage_of_the_store(
    servers: Servers, bucket: BrokerLog, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on by itself once the store is there again."""
    monkeypatch.setattr(log_retention, "INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(log_retention, "RETENTION", timedelta(0))
    assert servers.broker_log is not None

    async def is_short() -> bool:
        with contextlib.suppress(ConnectionError):
            return len(await topic.batches(bucket)) == KEPT
        return False

    async with log_retention_running(servers.broker_log, topic.infra.topic_prefix):
        for start in (0, 30):
            await topic.say(range(start, start + 30))
            await topic.read("quota", start + 29)
            await eventually(is_short)
            await restarted(servers, "object-store")


async def test_a_running_stack_keeps_its_log_short(
    tmp_path: Path, stack_settings: StandaloneSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While people sign up: their events are deleted once all services have handled them, and none is missed."""
    monkeypatch.setattr(log_retention, "INTERVAL_SECONDS", 0.2)
    monkeypatch.setattr(log_retention, "RETENTION", timedelta(0))
    monkeypatch.setattr(log_retention, "KEPT", 1)
    monkeypatch.setenv("GATEWAY_SIGN_UP_PER_MINUTE", "1000")
    monkeypatch.setenv("ACCOUNTS_ARGON2_MEMORY_KIB", "64")
    async with await start_stack(stack_settings.model_copy(update={"data": tmp_path})) as stack:
        assert stack.servers.broker_log is not None
        bucket = BrokerLog(stack.servers.broker_log)
        for number in range(12):
            async with await Person.new(stack.gateway, f"person{number}"):
                pass

        async def is_short() -> bool:
            partitions = await bucket.partitions("accounts")
            ends = [await bucket.end(partition) for partition in partitions]
            there = [len(await bucket.oldest(partition, 100)) for partition in partitions]
            received = [await bucket.committed("quota", partition) for partition in partitions]
            return set(there) == {1} and received == ends and sum(ends) > 12

        await eventually(is_short)
        bucket.close()
