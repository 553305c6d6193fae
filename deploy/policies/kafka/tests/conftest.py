"""A secured broker with the shipped rules, and settings for each user of it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import generate_kafka_acls
import pytest
from server_settings import infra_values, service_secrets

from docstore_events.topics import provision_topics
from docstore_platform.ids import new_id
from docstore_platform.services import INTERNAL_SERVICES, SERVICE_NAMES
from docstore_platform.settings import InfraSettings
from docstore_provision.kafka import provision_kafka
from docstore_standalone.ports import PortBook
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.processes import ServerProcess

if TYPE_CHECKING:
    from docstore_standalone.servers import Servers

sys.path.insert(0, str(Path(__file__).parent))
from secured_kafka import MECHANISM, SecuredKafka, SettingsOf

ROOT = Path(__file__).parents[4]
PASSWORDS = {name: f"{name}-secret" for name in (*SERVICE_NAMES, "provision")}


@pytest.fixture(scope="session")
def rules() -> ModuleType:
    """The generator: what each service reads and writes."""
    return generate_kafka_acls


@pytest.fixture(scope="session")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredKafka]:
    """Running, with the shipped rules."""
    folder = tmp_path_factory.mktemp("secured")
    ports = PortBook()
    ports.secure(SecuredKafka.port_names)
    kafka = SecuredKafka(StandaloneSettings().tools, folder / "kafka", folder / "kafka.log", ports)
    kafka.users = PASSWORDS
    process = await ServerProcess.start(kafka)
    try:
        await process.wait_ready(60)
        await asyncio.to_thread(provision_kafka, kafka.provisioning({**PASSWORDS, "keda": "keda-secret"}))
        yield kafka
    finally:
        await process.stop()


@pytest.fixture(scope="session")
async def settings_of(servers: "Servers", broker: SecuredKafka) -> AsyncIterator[SettingsOf]:
    """Settings of a service or of the provisioner: its own Kafka user, the embedded servers for the rest."""
    given = infra_values(servers)
    corner = new_id()[-8:]

    def of(user: str) -> InfraSettings:
        return InfraSettings.model_validate(
            {
                **given,
                **{f"{service}_url": f"local:{corner}-{service}" for service in INTERNAL_SERVICES},
                "database_prefix": f"{corner}_",
                "topic_partitions": 2,
                "kafka_bootstrap": broker.bootstrap,
                "kafka_security_protocol": "SASL_SSL",
                "kafka_sasl_mechanism": MECHANISM,
                "kafka_username": user,
                "kafka_password": PASSWORDS[user],
                "kafka_ca_file": str(broker.ca_file),
            }
        )

    await provision_topics(of("provision"))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in service_secrets(servers).items():
            environment.setenv(name, value)
        yield of
