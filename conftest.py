"""Fixtures of the whole suite: one set of real servers a session, and a corner of its own in them for each test.

`TEST_INFRA=kafka` puts Apache Kafka's own broker in the place of the embedded one; `TEST_INFRA=containers` takes all
of them from Docker.
"""

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from docstore_platform.ids import new_id
from docstore_platform.settings import InfraSettings

if TYPE_CHECKING:
    from docstore_standalone.servers import BrokerKind, Servers

INFRA = os.environ.get("TEST_INFRA", "embedded")
BROKERS: dict[str, "BrokerKind"] = {"embedded": "tansu", "kafka": "apache-kafka", "containers": "apache-kafka"}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch what may take minutes before the first test's time runs."""
    if INFRA not in BROKERS:
        raise pytest.UsageError(f"TEST_INFRA is {INFRA!r}, and not one of {', '.join(BROKERS)}")
    if not any(item.get_closest_marker("connected") for item in session.items):
        return
    if INFRA == "kafka":
        from docstore_standalone.apache_kafka import fetch_kafka
        from docstore_standalone.settings import StandaloneSettings

        fetch_kafka(StandaloneSettings().tools)
    if INFRA == "containers":
        from containers import NoContainers, prepare

        try:
            prepare()
        except NoContainers as error:
            raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session")
async def elsewhere() -> AsyncIterator[dict[str, Any]]:
    """Settings of the standalone stack that name servers it need not start: those in containers."""
    if INFRA != "containers":
        yield {}
        return
    from containers import running_servers

    async with running_servers() as settings:
        yield settings


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory, elsewhere: dict[str, Any]) -> AsyncIterator["Servers"]:
    """Real servers, started at the first test that needs them."""
    from docstore_standalone.servers import start_servers  # unit tests alone need not wait for this import
    from docstore_standalone.settings import StandaloneSettings

    settings = StandaloneSettings(**elsewhere)
    servers = await start_servers(tmp_path_factory.mktemp("servers"), settings=settings, broker=BROKERS[INFRA])
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
            "idle_park_ms": 300 if INFRA == "embedded" else 0,  # Apache Kafka wakes a waiting fetch
            "outbox_poll_ms": 200,
        }
    )
