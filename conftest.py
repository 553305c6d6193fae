"""Fixtures of the whole suite: one set of real servers a session, and a corner of its own in them for each test.

`TEST_INFRA=kafka` puts Apache Kafka's own broker in the place of the embedded one; `TEST_INFRA=containers` takes all
of them from Docker.
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import structlog
from described_answers import DIFFERENCES, checked_services
from memory_folders import memory_folder
from server_settings import infra_values, service_secrets
from shard_keys import MISPLACED, compared_commands
from shared_validators import shared_validators
from xdist.scheduler import LoadScopeScheduling

from docstore_platform.http.server.startup import Check, Startup
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service import client
from docstore_platform.settings import InfraSettings

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient
    from emptied_databases import EmptiedDatabases
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from docstore_standalone.servers import BrokerKind, Servers

INFRA = os.environ.get("TEST_INFRA", "embedded")
BROKERS: dict[str, "BrokerKind"] = {
    "embedded": "tansu-in-memory",
    "kafka": "apache-kafka",
    "containers": "apache-kafka",
}


STACK_STARTERS = ("tests/faults", "tests/regions", "tests/upgrade", "deploy/standalone")
"""Folders whose tests start whole stacks: two of those at a time would be too much for a small machine."""


class StacksOneByOne(LoadScopeScheduling):  # type: ignore[misc]
    """Side by side, the tests of a file stay together, those of one stack too, and stacks start one after the other.

    Those on real servers come first: a file of them may take a minute, and would else begin when all others are done.
    """

    def _assign_work_unit(self, node: Any) -> None:
        first = next((scope for scope in self.workqueue if "/unit/" not in scope), None)
        if first is not None:
            self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(STACK_STARTERS):
            return "stacks"
        return "tests/e2e" if nodeid.startswith("tests/e2e") else nodeid.split("::", 1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StacksOneByOne:
    return StacksOneByOne(config, log)


# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("docstore", deadline=None, max_examples=int(os.environ.get("EXAMPLES", "25")))
hypothesis.settings.load_profile("docstore")
# Modules and tests stay to the end, and every app that a test makes is many objects: looked through for unused circles
# as often as usual, they took half of the suite's time.
gc.set_threshold(100_000, 50, 50)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch what may take minutes before the first test's time runs."""
    gc.freeze()
    # Tests let much fail; drawing each traceback with boxes and colours takes longer than failing.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    if INFRA not in BROKERS:
        raise pytest.UsageError(f"TEST_INFRA is {INFRA!r}, and not one of {', '.join(BROKERS)}")
    if not any(item.get_closest_marker("connected") for item in session.items):
        return
    if INFRA == "kafka":
        from docstore_standalone.embedded.java.apache_kafka import fetch_kafka
        from docstore_standalone.settings import StandaloneSettings

        fetch_kafka(StandaloneSettings().tools)
    if INFRA == "containers":
        from containers import NoContainers, prepare

        try:
            prepare()
        except NoContainers as error:
            raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session", autouse=True)
def _services_are_watched() -> Iterator[None]:
    """No test has to remember to compare what services answer, and what they ask the database."""
    with checked_services(), compared_commands():
        yield


@pytest.fixture(scope="session", autouse=True)
def _apps_share_validators() -> Iterator[None]:
    """Thousands of apps are created here: building their routes again took a fifth of the time."""
    with shared_validators():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test in whose time a service answered something else than is described has failed.

    So has one in whose time a service sent the database a command that its shard keys do not allow.
    """
    DIFFERENCES.clear()
    MISPLACED.clear()
    outcome = yield
    if DIFFERENCES:
        told = "\n".join(["The API's description is not what is answered:", *dict.fromkeys(DIFFERENCES)])
        pytest.fail(told, pytrace=False)
    if MISPLACED:
        told = "\n".join(["Commands that a sharded cluster refuses or broadcasts:", *dict.fromkeys(MISPLACED)])
        pytest.fail(told, pytrace=False)
    return outcome


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
    with memory_folder(tmp_path_factory.mktemp("servers")) as folder:
        servers = await start_servers(folder, settings=settings, broker=BROKERS[INFRA])
        yield servers
        await servers.stop()


@pytest.fixture(scope="module", autouse=True)
def _services_wait_for_their_servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """A service under test begins once its servers answer, however long that takes on a busy machine.

    It would answer 503 meanwhile. `test_startup.py` tests just that.
    """
    if request.path.name == "test_startup.py":
        yield
        return
    wait_until_available = Startup._wait_until_available

    async def without_beginning(startup: Startup, name: str, check: Check, _: asyncio.Event) -> None:
        await wait_until_available(startup, name, check, asyncio.Event())

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Startup, "_wait_until_available", without_beginning)
        yield


@pytest.fixture(autouse=True)
def _local_apps_end_with_their_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apps that a test makes reachable in this process are not kept until the last one."""
    monkeypatch.setattr(client, "_local_apps", dict(client._local_apps))


@pytest.fixture(scope="session")
async def databases(servers: "Servers") -> AsyncIterator["EmptiedDatabases"]:
    from emptied_databases import EmptiedDatabases

    mongo = Mongo(servers.environment()["DOCSTORE_MONGO_URL"], app_name="test")
    yield EmptiedDatabases(mongo)
    mongo.close()


@pytest.fixture
async def mongo(infra: InfraSettings) -> AsyncIterator[Mongo]:
    """The test's database server; databases of its own begin with `infra.database_prefix`."""
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    yield mongo
    mongo.close()


@pytest.fixture
def spans() -> Iterator["InMemorySpanExporter"]:
    """Spans that are recorded while a test runs."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from docstore_platform.telemetry.tracing import Tracing, use_tracing

    exporter = InMemorySpanExporter()
    before = use_tracing(Tracing("us-west-2", SimpleSpanProcessor(exporter)))
    yield exporter
    use_tracing(before)


@pytest.fixture(scope="session")
async def kafka(servers: "Servers") -> AsyncIterator["AIOKafkaAdminClient"]:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_bootstrap)
    await admin.start()
    yield admin
    await admin.close()


@pytest.fixture
async def infra(
    servers: "Servers", databases: "EmptiedDatabases", kafka: "AIOKafkaAdminClient"
) -> AsyncIterator[InfraSettings]:
    """Settings of one test: databases and topics of its own, and a consumer that need not join a group."""
    async with own_infra(servers, databases, kafka) as infra:
        yield infra


@pytest.fixture(scope="module")
async def module_infra(
    servers: "Servers", databases: "EmptiedDatabases", kafka: "AIOKafkaAdminClient"
) -> AsyncIterator[InfraSettings]:
    """The same for the tests of a module that share an instance of their service."""
    async with own_infra(servers, databases, kafka) as infra:
        yield infra


@asynccontextmanager
async def own_infra(
    servers: "Servers", databases: "EmptiedDatabases", kafka: "AIOKafkaAdminClient"
) -> AsyncIterator[InfraSettings]:
    """Settings with new databases and topics. Secrets of single services are in the environment meanwhile."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in service_secrets(servers).items():
            environment.setenv(name, value)
        async with databases.prefix() as database_prefix:
            infra = InfraSettings.model_validate(
                {
                    **infra_values(servers),
                    "database_prefix": database_prefix,
                    "topic_prefix": f"{new_id()[-8:]}.",
                    "topic_partitions": 2,
                    "single_instance": True,
                    "idle_interval_ms": 300 if INFRA == "embedded" else 0,  # Apache Kafka wakes a waiting fetch
                    "outbox_interval_ms": 200,
                }
            )
            yield infra
            # Clients ask for all topics there are: with those of a thousand tests, that took a third of the time.
            made = [topic for topic in await kafka.list_topics() if topic.startswith(infra.topic_prefix)]
            if made:
                await kafka.delete_topics(made)
