"""Fixtures of the whole suite: one set of real servers a session, and a corner of its own in them for each test.

`TEST_INFRA=kafka` puts Apache Kafka's own broker in the place of the embedded one.
"""

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from docstore_platform.ids import new_id
from docstore_platform.settings import InfraSettings

if TYPE_CHECKING:
    from docstore_standalone.servers import Servers

BROKERS = {"embedded": "tansu", "kafka": "apache-kafka"}


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator["Servers"]:
    """Real servers, started at the first test that needs them."""
    from docstore_standalone.servers import start_servers  # unit tests alone need not wait for this import

    broker = BROKERS[os.environ.get("TEST_INFRA", "embedded")]
    servers = await start_servers(tmp_path_factory.mktemp("servers"), broker=broker)  # type: ignore[arg-type]
    yield servers
    await servers.stop()


@pytest.fixture
def infra(servers: "Servers") -> InfraSettings:
    """Settings of one test: databases and topics that no other test has, and a consumer that need not join a group."""
    corner = new_id()[-8:]
    settings = {name.removeprefix("DOCSTORE_").lower(): value for name, value in servers.environment().items()}
    return InfraSettings.model_validate(
        {
            **settings,
            "database_prefix": f"{corner}_",
            "topic_prefix": f"{corner}.",
            "topic_partitions": 2,
            "single_instance": True,
            "idle_park_ms": 300,
            "outbox_poll_ms": 200,
        }
    )
