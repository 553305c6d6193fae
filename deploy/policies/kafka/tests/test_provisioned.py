"""deploy/provision makes of acls.json what kafka-acls.sh makes of acls.sh, and keeps it so."""

from collections.abc import Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
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
from secured_kafka import SecuredKafka, SettingsOf

from docstore_events.connection import kafka_connection
from docstore_platform.testing import eventually
from docstore_provision.kafka import provision_kafka

pytestmark = pytest.mark.connected

EVERYTHING = ACLFilter(
    None,
    None,
    ACLOperation.ANY,
    ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


@pytest.fixture
def admin(broker: SecuredKafka) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=broker.inside) as client:
        yield client


def rules(admin: KafkaAdminClient) -> set[ACL]:
    return set(admin.describe_acls(EVERYTHING)[0])


@pytest.mark.timeout(900)  # the script starts Java for each line
def test_both_files_grant_the_same(broker: SecuredKafka, admin: KafkaAdminClient) -> None:
    """The script makes exactly the rules that were there by the document."""
    provisioned = rules(admin)
    admin.delete_acls([EVERYTHING])
    broker.run_script()
    assert rules(admin) == provisioned


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
    provision_kafka(broker.provisioning({**broker.users, "keda": "keda-secret"}))
    assert rules(admin) == before | {everybodys}
    admin.delete_acls([everybodys])


async def test_users_are_made_with_their_passwords(broker: SecuredKafka, settings_of: SettingsOf) -> None:
    """A new user comes in by the password given, and may do nothing without rules."""
    provision_kafka(broker.provisioning({"newcomer": "his secret"}))
    infra = settings_of("quota").model_copy(
        update={"kafka_username": "newcomer", "kafka_password": SecretStr("his secret")}
    )

    async def let_in() -> AIOKafkaAdminClient | None:
        client = AIOKafkaAdminClient(**kafka_connection(infra))
        try:
            await client.start()
        except KafkaConnectionError:
            await client.close()
            return None
        return client

    client = await eventually(let_in)
    try:
        assert await client.list_topics() == []
    finally:
        await client.close()
