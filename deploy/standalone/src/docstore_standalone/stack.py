"""All of DocStore on one machine: the embedded servers, and the services in one process or one each."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from docstore_platform.clock import SKEW_FILE
from docstore_platform.services import GATEWAY, INTERNAL_SERVICES, SERVICE_NAMES
from docstore_standalone.backup_schedule import backups_running
from docstore_standalone.credentials import Credentials, load_credentials
from docstore_standalone.embedded.access_log import ACCESS_LOG_FOLDER
from docstore_standalone.embedded.mongo_users import SERVICES
from docstore_standalone.embedded.tansu.log_retention import log_retention_running
from docstore_standalone.lan.following import following
from docstore_standalone.lan.opening import check_reachable, open_proxy, public_variables
from docstore_standalone.lan.proxy import TlsProxy
from docstore_standalone.lan.proxy_config import Upstreams
from docstore_standalone.log_rotation import log_rotation_running
from docstore_standalone.ports import LOOPBACK, SERVER_PORTS, PortBook
from docstore_standalone.servers import BrokerKind, Servers, clock_skew_file, start_servers
from docstore_standalone.service_process import ServiceProcess
from docstore_standalone.service_secrets import only_for
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import RESTORING_FILE, HalfRestored, OtherLayout, read_state
from docstore_standalone.supervision.forker import BEFORE_IT_BEGINS, Forker, importing_services
from docstore_standalone.supervision.supervisor import Component, OnChange, ignore

ADMIN_EMAIL = "admin@docstore.localhost"
PASSED_ON = ("DOCSTORE_", *(f"{name.upper()}_" for name in SERVICE_NAMES))
"""Prefixes of variables that services inherit, so that any of their settings can be set for a stack."""
IDLE_INTERVAL_MS = 10_000
"""Consumers get records of relays in their process from memory; this is for records of other producers."""
IDLE_INTERVAL_MS_BETWEEN_PROCESSES = 50


@dataclass(slots=True)
class Stack:
    """A running stack."""

    servers: Servers
    gateway: str
    _closing: AsyncExitStack = field(repr=False)

    async def stop(self) -> None:
        await self._closing.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _variables(
    servers: Servers, credentials: Credentials, public: Mapping[str, str], idle_ms: int, regional: Mapping[str, str]
) -> dict[str, str]:
    """Settings of every service. `public`: those with the addresses for clients."""
    settings_of_stack = {
        **servers.environment(),
        **_mongo_url(servers, SERVICES),
        **public,
        "DOCSTORE_SINGLE_INSTANCE": "true",
        # Each partition written to is an object of the broker's log, and one instance of a service reads them all.
        "DOCSTORE_TOPIC_PARTITIONS": "1",
        "DOCSTORE_IDLE_INTERVAL_MS": str(idle_ms),
        "DOCSTORE_OUTBOX_INTERVAL_MS": "15000",
        "ACCOUNTS_FIRST_ADMIN_EMAIL": ADMIN_EMAIL,
        "ACCOUNTS_FIRST_ADMIN_PASSWORD": credentials.admin_password,
        "INDEXER_FOLDER": str(servers.folder / "index"),
        "MEDIA_FOLDER": str(servers.folder / "media"),
        "NOTIFY_SES_ENDPOINT": servers.ses_endpoint,
        "ANALYTICS_EMBEDDED_ACCESS_LOGS": str(servers.folder / ACCESS_LOG_FOLDER),
        "GATEWAY_LOGS_FOLDER": str(servers.folder / "logs"),
        "GATEWAY_BACKUPS_FOLDER": str(servers.folder),
        **BEFORE_IT_BEGINS,
    }
    passed_on = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    return {**settings_of_stack, **passed_on, **regional}


def _mongo_url(servers: Servers, user: str) -> dict[str, str]:
    """Settings by which a user reaches MongoDB; none for an external server."""
    return {"DOCSTORE_MONGO_URL": servers.mongo_urls[user]} if servers.mongo_urls else {}


def _operations(service: str) -> str:
    """Name of a process's port for operators."""
    return "operations" if service == "services" else f"{service}-operations"


def _process(
    servers: Servers, name: str, module: str, port: int, variables: Mapping[str, str], forker: Forker | None
) -> ServiceProcess:
    operations_port, log_file = servers.ports[_operations(name)], servers.folder / "logs" / f"{name}.log"
    # The gateway is ready only if all others are, so it must neither be restarted nor wait for them.
    ready_path = "/healthz" if name == GATEWAY else "/readyz"
    variables = {**variables, SKEW_FILE: str(clock_skew_file(servers.folder, name))}
    return ServiceProcess(
        name, module, port, operations_port, variables, log_file, forker=forker, ready_path=ready_path
    )


def _in_one_process(
    servers: Servers, variables: Mapping[str, str], port: int, forker: Forker | None
) -> list[Component]:
    servers.ports.secure([_operations("services")])
    services = _process(servers, "services", "docstore_standalone.services", port, variables, forker)
    return [Component(services, needs=tuple(servers.supervisor.components))]


def _one_process_each(
    servers: Servers, variables: Mapping[str, str], ports: PortBook, forker: Forker | None
) -> list[Component]:
    ports.secure([*INTERNAL_SERVICES, *map(_operations, SERVICE_NAMES)])
    urls = {f"DOCSTORE_{name.upper()}_URL": f"http://{LOOPBACK}:{ports[name]}" for name in INTERNAL_SERVICES}
    variables = {**variables, **urls}
    embedded = tuple(servers.supervisor.components)
    own = {name: only_for(name, {**variables, **_mongo_url(servers, name)}) for name in SERVICE_NAMES}
    return [
        Component(
            _process(servers, name, f"docstore_{name}", ports[name], own[name], forker),
            needs=embedded,
            starts_after=INTERNAL_SERVICES if name == GATEWAY else (),
        )
        for name in SERVICE_NAMES
    ]


@dataclass(frozen=True, slots=True)
class _Services:
    """The services of a stack."""

    wanted_port: int | None
    processes: bool
    external_broker: bool
    regional: Mapping[str, str]
    forker: Forker | None

    def variables(self, servers: Servers, proxy: TlsProxy | None = None) -> dict[str, str]:
        """Settings of every service."""
        gateway = f"http://{LOOPBACK}:{servers.ports.secure_gateway(self.wanted_port)}"
        public = public_variables(proxy, gateway, servers.s3_endpoint)
        idle_ms = IDLE_INTERVAL_MS_BETWEEN_PROCESSES if self.processes else IDLE_INTERVAL_MS
        idle_ms = 0 if self.external_broker else idle_ms
        return _variables(servers, load_credentials(servers.folder), public, idle_ms, self.regional)

    def components(self, servers: Servers, variables: Mapping[str, str]) -> list[Component]:
        if self.processes:
            return _one_process_each(servers, variables, servers.ports, self.forker)
        return _in_one_process(servers, variables, servers.ports["gateway"], self.forker)

    async def prepare(self, servers: Servers) -> None:
        """Have processes build their apps while the servers start, which takes as long."""
        for component in self.components(servers, self.variables(servers)):
            service = component.server
            if self.forker is not None and isinstance(service, ServiceProcess):
                await self.forker.prepare(service.job())


def _upstreams(servers: Servers, gateway_port: int) -> Upstreams:
    return Upstreams(gateway_port, servers.ports["s3"], (servers.content_bucket, servers.processed_bucket))


async def _open_to_others(
    proxy: TlsProxy, components: Sequence[Component], servers: Servers, gateway: str, opening: AsyncExitStack
) -> None:
    """Start the TLS proxy before the services; follow changes of this machine's address."""

    def announce() -> None:
        for name, address in proxy.addresses().items():
            servers.announce(name, address)

    async def move() -> None:
        """Start the services again, whose mails and links contain the address."""
        public = public_variables(proxy, gateway, servers.s3_endpoint)
        own = {name: value for name, value in public.items() if name not in os.environ}
        for component in components:
            service = component.server
            assert isinstance(service, ServiceProcess)
            service.variables = {**service.variables, **own}
            servers.supervisor.renew(service.name)
        announce()

    await servers.supervisor.start([Component(proxy, needs=tuple(each.server.name for each in components))])
    announce()
    await opening.enter_async_context(following(proxy, servers.supervisor, move))


def _check_startable(settings: StandaloneSettings) -> None:
    """Report what prevents a start before anything is started."""
    if regions := read_state(settings.data).regions:
        raise OtherLayout(f"{settings.data} contains several regions: start it with --regions {','.join(regions)}")
    if (settings.data / RESTORING_FILE).exists():
        raise HalfRestored(f"the restore to {settings.data} is incomplete: run `docstore restore-backup` again")
    if settings.port is not None:
        PortBook().secure_gateway(settings.port)


async def start_stack(
    settings: StandaloneSettings,
    *,
    processes: bool = False,
    broker: BrokerKind = "tansu",
    on_change: OnChange = ignore,
    port_choice: range = SERVER_PORTS,
    regional: Mapping[str, str] | None = None,
    forker: Forker | None = None,
) -> Stack:
    """Start the servers that are not external; return once the gateway is ready.

    `forker`: one that was started for this folder; the stack owns it from now on.
    `regional`: settings of one region of several, which override the environment. AlreadyRunning, OtherLayout,
    HalfRestored, SecretsMissing, ProgramMissing, PortTaken, ServerFailed.
    """
    async with AsyncExitStack() as opening:
        if forker is not None:
            opening.push_async_callback(forker.close)
        _check_startable(settings)
        if forker is None and (forker := await importing_services(settings.data)):
            opening.push_async_callback(forker.close)
        external_broker = bool(settings.kafka_bootstrap) or broker == "apache-kafka"
        services = _Services(settings.port, processes, external_broker, regional or {}, forker)
        servers = await start_servers(
            settings.data,
            settings=settings,
            broker=broker,
            on_change=on_change,
            port_choice=port_choice,
            check=partial(check_reachable, settings) if settings.lan else ignore,
            meanwhile=None if settings.lan else services.prepare,  # the proxy's address is not known yet
        )
        opening.push_async_callback(servers.stop)
        port = servers.ports.secure_gateway(settings.port)
        gateway = f"http://{LOOPBACK}:{port}"
        proxy = open_proxy(settings, servers.folder, servers.ports, _upstreams(servers, port)) if settings.lan else None
        variables = services.variables(servers, proxy)
        components = services.components(servers, variables)
        await servers.supervisor.start(components)
        if servers.broker_log is not None:
            await opening.enter_async_context(log_retention_running(servers.broker_log, settings.topic_prefix))
        for component in components:
            name = _operations(component.server.name)
            servers.announce(name, f"http://{LOOPBACK}:{servers.ports[name]}")
        servers.announce("admin", variables["ACCOUNTS_FIRST_ADMIN_EMAIL"])
        if proxy is not None:
            await _open_to_others(proxy, components, servers, gateway, opening)
        servers.announce("gateway", gateway)
        await opening.enter_async_context(log_rotation_running(servers.folder / "logs"))
        await opening.enter_async_context(backups_running(settings.model_copy(update={"data": servers.folder})))
        return Stack(servers, gateway, opening.pop_all())
