"""What the shipped rules allow, on Apache Kafka's own broker with TLS, SCRAM and its authorizer."""

from pathlib import Path
from types import ModuleType

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    for_code,
)
from secured_kafka import SettingsOf
from services_in_process import carry_a_file, running_services

from docstore_events.connection import kafka_connection
from docstore_events.topics import topic_names
from docstore_platform.services import SERVICE_NAMES, ServiceName
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected

NOT_OURS = [("ce_type", b"nothing-of-docstore")]


async def test_every_service_does_its_work_as_its_own_user(
    settings_of: SettingsOf, tmp_path: Path, servers: Servers
) -> None:
    """With the shipped rules a file goes all the way: signed up, uploaded, counted, indexed, and found."""
    infra = {name: settings_of(name) for name in SERVICE_NAMES}
    async with running_services(infra, tmp_path, servers.ses_endpoint) as gateway:
        await carry_a_file(gateway)


@pytest.mark.parametrize("service", SERVICE_NAMES)
async def test_a_service_writes_its_own_topics_and_no_other(
    service: ServiceName, settings_of: SettingsOf, rules: ModuleType
) -> None:
    """A compromised service can forge only the events that it publishes anyway."""
    async with AIOKafkaProducer(**kafka_connection(settings_of(service)), acks="all") as producer:
        written = set()
        for topic in topic_names(""):
            try:
                await producer.send_and_wait(topic, b"{}", key=b"k", headers=NOT_OURS)
                written.add(topic)
            except TopicAuthorizationFailedError:
                continue
    assert written == rules.written().get(service, set())


@pytest.mark.parametrize("service", SERVICE_NAMES)
async def test_a_service_reads_its_topics_and_nothing_else(
    service: ServiceName, settings_of: SettingsOf, rules: ModuleType
) -> None:
    """Other services' events stay closed to it, and dead letters to all of them."""
    readable = set()
    async with AIOKafkaConsumer(
        **kafka_connection(settings_of(service)), enable_auto_commit=False, auto_offset_reset="earliest"
    ) as consumer:
        for topic in topic_names(""):
            consumer.assign([TopicPartition(topic, 0)])
            try:
                await consumer.getmany(timeout_ms=1000)
                readable.add(topic)
            except TopicAuthorizationFailedError:
                continue
    assert readable == rules.read().get(service, set())


async def test_no_service_takes_over_anothers_place_in_the_log(settings_of: SettingsOf) -> None:
    """Who joined another's group would take its events away."""
    with pytest.raises(GroupAuthorizationFailedError):
        async with AIOKafkaConsumer("files", **kafka_connection(settings_of("notify")), group_id="quota") as consumer:
            await consumer.getone()


async def test_no_service_makes_topics(settings_of: SettingsOf) -> None:
    """Topics are made before an upgrade, by a user who does only that."""
    admin = AIOKafkaAdminClient(**kafka_connection(settings_of("metadata")))
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic("extra", 1, 1)])
    finally:
        await admin.close()
    assert [for_code(code) for _, code, *_ in answer.topic_errors] == [TopicAuthorizationFailedError]


async def test_a_wrong_password_is_turned_away(settings_of: SettingsOf) -> None:
    """The name alone opens nothing."""
    settings = settings_of("quota").model_copy(update={"kafka_password": settings_of("notify").kafka_password})
    producer = AIOKafkaProducer(**kafka_connection(settings))
    try:
        with pytest.raises(KafkaConnectionError):
            await producer.start()
    finally:
        await producer.stop()
