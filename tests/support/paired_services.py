"""A DocStore with two processes of each service, a balancer in front of each pair, on Apache Kafka's own broker.

With `TEST_SEARCH=opensearch` there are two indexers too, on a real OpenSearch node.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from balancer import Balancer
from deployments import Bucket, Mailbox
from previous_version import known_to_both
from prometheus_client.parser import text_string_to_metric_families
from stacks import SHORT_WAITS

from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.services import SERVICE_NAMES, ServiceName
from docstore_platform.testing import eventually
from docstore_standalone.embedded.java.opensearch import OpenSearch
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.servers import Servers, start_servers
from docstore_standalone.service_process import ServiceProcess
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.processes import ServerProcess

SEARCH_CLUSTER = os.environ.get("TEST_SEARCH") == "opensearch"
PAIRED_SERVICES: tuple[ServiceName, ...] = tuple(name for name in SERVICE_NAMES if SEARCH_CLUSTER or name != "indexer")
"""The embedded index belongs to one process."""
ADMIN = ("admin@docstore.localhost", "the scale tests' administrator")
START_SECONDS = 120.0
STOP_SECONDS = 60.0
READINESS_GAP_SECONDS = 5
WAITS = {
    **SHORT_WAITS,
    "UPLOAD_LIFETIME_SECONDS": "30",
    "UPLOAD_SETTLE_FIRST_DELAY_SECONDS": "15",
    "NOTIFY_SEND_TIMEOUT_SECONDS": "8",
    "NOTIFY_LEASE_SECONDS": "10",
    "QUOTA_LEASE_SECONDS": "4",
    "QUOTA_RECONCILE_INTERVAL_SECONDS": "2",
    "GATEWAY_REFRESH_PER_MINUTE": "40",
    "GATEWAY_TRUSTED_PROXIES": '["127.0.0.1/32"]',
}
"""Leases end within seconds, and background work is due all the time."""


@dataclass(slots=True)
class VersionedProcess(ServiceProcess):
    """A service of the version that a Python interpreter imports."""

    python: str = sys.executable

    def command(self) -> Sequence[str]:
        return (self.python, "-m", self.module)


class Instance:
    """One of the processes of a service; a new one takes the same port."""

    def __init__(self, service: VersionedProcess) -> None:
        self._service = service
        self._process: ServerProcess | None = None
        self.started_at = 0.0

    @property
    def name(self) -> str:
        return self._service.name

    @property
    def port(self) -> int:
        return self._service.port

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def process(self) -> ServerProcess:
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        """Returns once it is ready."""
        self.started_at = time.monotonic()
        self._process = await ServerProcess.start(self._service)
        await self._process.wait_ready(START_SECONDS)

    async def upgrade(self) -> int:
        """Replace it by one of the present version, once it has ended; its exit status."""
        status = await self.stop()
        self._service.python = sys.executable
        await self.start()
        return status

    async def stop(self) -> int:
        """SIGTERM; its exit status, once it has ended by itself or was killed for taking too long."""
        await self.process.stop()
        return await self.process.wait()

    async def end(self) -> None:
        """Whatever state it is in."""
        if self._process is not None:
            await self._process.kill()

    async def kill(self) -> None:
        """kill -9."""
        await self.process.kill()

    @property
    def system_process(self) -> psutil.Process:
        return psutil.Process(self.process.id.pid)

    async def total(self, metric: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{LOOPBACK}:{self._service.operations_port}/metrics") as answer,
        ):
            families = text_string_to_metric_families(await answer.text())
        samples = [sample for family in families for sample in family.samples if sample.name == metric]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


@dataclass(slots=True)
class PairedServices:
    """The running whole."""

    servers: Servers
    mongo: Mongo
    balancers: dict[str, Balancer] = field(default_factory=dict)
    instances: dict[str, list[Instance]] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        return self.balancers["gateway"].url

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(self.servers.mailbox)

    @property
    def bucket(self) -> Bucket:
        servers, keys = self.servers, self.servers.services_keys
        return Bucket(
            servers.s3_endpoint, keys.access_key_id, keys.secret_access_key, servers.content_bucket, servers.region
        )

    def database(self, service: ServiceName) -> Database:
        return self.mongo.database(f"docstore_{service}")

    def by_age(self, service: str) -> tuple[Instance, Instance]:
        """The older one, which took the leases that are never given back, such as the relay's; and the younger."""
        older, younger = sorted(self.instances[service], key=lambda instance: instance.started_at)
        return older, younger

    async def balanced(self, instance: Instance) -> None:
        """Returns once the instance gets its share of new connections."""

        async def is_ready() -> bool:
            return self.balancers[instance.name].is_ready(instance.port)

        await eventually(is_ready)


def _variables(servers: Servers, balancers: Mapping[str, Balancer]) -> dict[str, str]:
    urls = {f"DOCSTORE_{name.upper()}_URL": balancers[name].url for name in SERVICE_NAMES if name != "gateway"}
    variables = {
        **servers.environment(),
        **urls,
        **WAITS,
        "DOCSTORE_PUBLIC_URL": balancers["gateway"].url,
        "DOCSTORE_SINGLE_INSTANCE": "false",
        "DOCSTORE_IDLE_INTERVAL_MS": "0",
        "DOCSTORE_LOG_LEVEL": "WARNING",
        "ACCOUNTS_SELF_SERVICE_PLANS": "true",
        "ACCOUNTS_FIRST_ADMIN_EMAIL": ADMIN[0],
        "ACCOUNTS_FIRST_ADMIN_PASSWORD": ADMIN[1],
        "NOTIFY_SES_ENDPOINT": balancers["ses"].url,
        "MALLOC_ARENA_MAX": "2",
        "READINESS_GAP_SECONDS": str(READINESS_GAP_SECONDS),
    }
    return known_to_both(variables)


@asynccontextmanager
async def running_paired_services(
    data: Path, *, python: str = sys.executable, environment: Mapping[str, str] | None = None
) -> AsyncIterator[PairedServices]:
    """Servers, balancers, then the first instance of every service, then the second; services of `python`'s version."""
    async with AsyncExitStack() as opened:
        servers = await start_servers(data, broker="apache-kafka")
        opened.push_async_callback(servers.stop)
        pairs = PairedServices(servers, Mongo(servers.mongo_url, app_name="scale-tests"))
        opened.callback(pairs.mongo.close)
        ports = {
            name: [f"{name} {number}" for number in range(2 if name in PAIRED_SERVICES else 1)]
            for name in SERVICE_NAMES
        }
        fronts = {name: f"{name} balancer" for name in (*SERVICE_NAMES, "ses")}
        every = [port for names in ports.values() for port in names]
        servers.ports.secure([*every, *map(_operations, every), *fronts.values()])
        book = servers.ports
        for name, names in ports.items():
            balancer = Balancer(book[fronts[name]], [book[one] for one in names])
            pairs.balancers[name] = await opened.enter_async_context(balancer)
        mailbox = int(servers.ses_endpoint.rpartition(":")[2])
        ses = Balancer(book[fronts["ses"]], [mailbox], probed=False)
        pairs.balancers["ses"] = await opened.enter_async_context(ses)
        variables = {**_variables(servers, pairs.balancers), **(environment or {})}
        if SEARCH_CLUSTER:
            variables |= await _search_cluster(servers, opened)
        for name, names in ports.items():
            pairs.instances[name] = [_instance(name, one, book, variables, servers.folder, python) for one in names]
            for instance in pairs.instances[name]:
                opened.push_async_callback(instance.end)
        for number in range(2):
            wave = [instances[number] for instances in pairs.instances.values() if number < len(instances)]
            await asyncio.gather(*(instance.start() for instance in wave))
            await asyncio.gather(*(pairs.balanced(instance) for instance in wave))
        yield pairs


async def _search_cluster(servers: Servers, opened: AsyncExitStack) -> dict[str, str]:
    """A node of OpenSearch, and the settings by which the indexers use it."""
    servers.ports.secure(OpenSearch.port_names)
    folder = servers.folder / "search"
    node = OpenSearch(StandaloneSettings().tools, folder, servers.folder / "logs" / "search.log", servers.ports)
    process = await ServerProcess.start(node)
    opened.push_async_callback(process.kill)
    await process.wait_ready(START_SECONDS)
    return {
        "INDEXER_ENGINE": "opensearch",
        "INDEXER_OPENSEARCH_URL": node.url,
        "INDEXER_OPENSEARCH_REPLICAS": "0",
    }


def _operations(port_name: str) -> str:
    return f"{port_name} operations"


def _instance(name: str, port_name: str, ports: PortBook, variables: Any, folder: Path, python: str) -> Instance:
    place = port_name.replace(" ", "-")
    variables = {
        **variables,
        "INDEXER_FOLDER": str(folder / "index" / place),
        "MEDIA_FOLDER": str(folder / "media" / place),
    }
    log = folder / "logs" / f"{place}.log"
    port, operations_port = ports[port_name], ports[_operations(port_name)]
    module = f"docstore_{name}"
    return Instance(
        VersionedProcess(name, module, port, operations_port, variables, log, stop_seconds=STOP_SECONDS, python=python)
    )
