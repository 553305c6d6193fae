"""deploy/provision makes of acls.json what kafka-acls.sh makes of acls.sh, and keeps it so."""

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from pydantic import SecretStr
from secured_kafka import ACLS, SecuredKafka, SettingsOf

from docstore_events.connection import kafka_connection
from docstore_provision.kafka import provision_kafka
from docstore_provision.settings import KafkaProvisionSettings

pytestmark = [pytest.mark.connected, pytest.mark.timeout(240)]

EVERYTHING = ACLFilter(
    None,
    None,
    ACLOperation.ANY,
    ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


def settings(broker: SecuredKafka, **more: str) -> KafkaProvisionSettings:
    passwords = {name: SecretStr(password) for name, password in {**broker.users, "keda": "k", **more}.items()}
    return KafkaProvisionSettings(
        bootstrap=broker.inside, passwords=passwords, rules=Path(ACLS).with_suffix(".json"), wait_seconds=30
    )


@pytest.fixture
def admin(broker: SecuredKafka) -> KafkaAdminClient:
    with KafkaAdminClient(bootstrap_servers=broker.inside) as client:
        yield client


def rules(admin: KafkaAdminClient) -> set[ACL]:
    return set(admin.describe_acls(EVERYTHING)[0])


def test_both_files_say_the_same(broker: SecuredKafka, admin: KafkaAdminClient) -> None:
    """On a broker with the script's rules the document finds nothing to add and nothing to take away."""
    before = rules(admin)
    provision_kafka(settings(broker))
    assert rules(admin) == before


def test_lost_rules_come_back_and_strange_ones_go(broker: SecuredKafka, admin: KafkaAdminClient) -> None:
    """An upgrade leaves no right that the service no longer needs; other people's users are their own."""
    before = rules(admin)
    lost = next(iter(before))
    everybodys, ours = (
        ACL(user, "*", ACLOperation.WRITE, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, "files"))
        for user in ("User:somebody", "User:quota")
    )
    admin.delete_acls([lost])
    admin.create_acls([everybodys, ours])
    provision_kafka(settings(broker))
    assert rules(admin) == before | {everybodys}
    admin.delete_acls([everybodys])


async def test_users_are_made_with_their_passwords(broker: SecuredKafka, settings_of: SettingsOf) -> None:
    """A new user comes in by the password given, and may do nothing without rules."""
    provision_kafka(settings(broker, newcomer="his secret"))
    infra = settings_of("quota").model_copy(
        update={"kafka_username": "newcomer", "kafka_password": SecretStr("his secret")}
    )
    client = AIOKafkaAdminClient(**kafka_connection(infra))
    await client.start()
    assert await client.list_topics() == []
    await client.close()
    async with AIOKafkaProducer(**kafka_connection(settings_of("quota")), acks="all") as producer:
        assert "usage" in await producer.client.fetch_all_metadata() or await producer.partitions_for("usage")
