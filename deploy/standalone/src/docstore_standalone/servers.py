"""The embedded servers of one data folder, started together: for stacks, tests and tools."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import structlog

from docstore_platform.tasks import end_tasks
from docstore_standalone.asgi_server import serving
from docstore_standalone.credentials import (
    CREDENTIALS_FILE,
    Credentials,
    S3Credentials,
    load_credentials,
    move_credentials,
)
from docstore_standalone.embedded.access_log import ACCESS_LOG_FOLDER, AccessLog
from docstore_standalone.embedded.binaries import find_mongod, find_tansu, find_weed
from docstore_standalone.embedded.encryption_at_rest import encrypting_existing
from docstore_standalone.embedded.java.apache_kafka import ApacheKafka
from docstore_standalone.embedded.mailbox import MAILBOX_FOLDER, create_mailbox_app
from docstore_standalone.embedded.mongo_users import OPERATOR, USERS, MongoSecrets
from docstore_standalone.embedded.mongod import Mongod
from docstore_standalone.embedded.object_store import UPLOAD_ROLE_ARN, ObjectStore
from docstore_standalone.embedded.tansu.broker import LogBucket, Tansu
from docstore_standalone.ports import LOOPBACK, SERVER_PORTS, PortBook
from docstore_standalone.service_secrets import variables
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import StackLock, StateFile, read_state
from docstore_standalone.supervision.processes import ProcessId, end_leftover
from docstore_standalone.supervision.supervisor import Component, OnChange, Supervisor, ignore

BrokerKind = Literal["tansu", "tansu-in-memory", "apache-kafka"]
"""The in-memory log ends with its broker: for tests."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Servers:
    """Addresses of running servers, embedded or external."""

    folder: Path
    region: str
    mongo_url: str
    """For the operator, who has all rights; for an external server as in the settings."""
    mongo_urls: Mapping[str, str] = field(repr=False)
    """By service, and for `SERVICES`, each with its own user; empty with an external server."""
    kafka_bootstrap: str
    s3_endpoint: str
    ses_endpoint: str
    content_bucket: str
    processed_bucket: str
    broker_bucket: str
    broker_log: LogBucket | None
    """Location of the embedded broker's log; None in memory, and for other brokers."""
    upload_role_arn: str
    services_keys: S3Credentials
    """For the buckets of contents and previews only; for services."""
    root_keys: S3Credentials
    """For everything in the object store; the same as `services_keys` for an external one."""
    service_secrets: Mapping[str, str] = field(repr=False)
    """Variables with keys and secrets of the services."""
    supervisor: Supervisor = field(repr=False)
    ports: PortBook = field(repr=False)
    _state_file: StateFile = field(repr=False)
    _closing: AsyncExitStack = field(repr=False)

    def announce(self, component: str, address: str) -> None:
        """Record the address of another component of the stack, for `docstore status` and others."""
        self._state_file.write({component: address})

    @property
    def mailbox(self) -> Path:
        """Folder of the mails that the local SES accepted, for `read_mailbox`."""
        return self.folder / MAILBOX_FOLDER

    def environment(self) -> Mapping[str, str]:
        """Settings of a service for these servers, with the operator's rights in MongoDB."""
        return {
            "DOCSTORE_REGION": self.region,
            **self.service_secrets,
            "DOCSTORE_MONGO_URL": self.mongo_url,
            "DOCSTORE_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "DOCSTORE_S3_ENDPOINT": self.s3_endpoint,
            "DOCSTORE_S3_ACCESS_KEY_ID": self.services_keys.access_key_id,
            "DOCSTORE_S3_SECRET_ACCESS_KEY": self.services_keys.secret_access_key,
            "DOCSTORE_S3_BUCKET": self.content_bucket,
            "DOCSTORE_S3_PROCESSED_BUCKET": self.processed_bucket,
            "DOCSTORE_S3_UPLOAD_ROLE_ARN": self.upload_role_arn,
        }

    async def stop(self) -> None:
        """Stop the started servers and release the folder."""
        await self._closing.aclose()


Meanwhile = Callable[[Servers], Awaitable[None]]
"""Runs while servers start. It gets their addresses, which change only if another program takes a port then."""


class _Plan:
    """The servers of a folder's stack, by its settings."""

    def __init__(self, folder: Path, settings: StandaloneSettings, broker: BrokerKind, ports: PortBook) -> None:
        self.folder, self.settings, self.ports = folder, settings, ports
        self.credentials: Credentials = load_credentials(folder)
        self.content_bucket = f"docstore-content-{settings.region}"
        self.processed_bucket = f"docstore-processed-{settings.region}"
        self.broker_bucket = f"docstore-broker-{settings.region}"
        logs = folder / "logs"
        self.access_log: AccessLog | None = None
        self.mongod: Mongod | None = None
        self.store: ObjectStore | None = None
        self.broker: Tansu | ApacheKafka | None = None
        self.components: list[Component] = []
        if not settings.mongo_url:
            program = find_mongod(settings.mongod, settings.tools)
            secrets = MongoSecrets.of(self.credentials, settings.database_prefix)
            self.mongod = Mongod(program, folder / "mongod", logs / "mongod.log", ports, secrets)
            self.components.append(Component(self.mongod))
        if not settings.s3_endpoint:
            self.access_log = AccessLog(folder / ACCESS_LOG_FOLDER, [self.content_bucket, self.processed_bucket])
            self.store = ObjectStore(
                find_weed(settings.weed),
                folder / "object-store",
                logs / "object-store.log",
                ports,
                self.credentials,
                content_buckets=[self.content_bucket],
                processed_bucket=self.processed_bucket,
                broker_bucket=self.broker_bucket,
                access_log=self.access_log,
            )
            self.components.append(Component(self.store))
        if not settings.kafka_bootstrap:
            self._plan_broker(broker, logs / "broker.log")

    def _plan_broker(self, kind: BrokerKind, log_file: Path) -> None:
        if kind == "apache-kafka":
            self.broker = ApacheKafka(self.settings.tools, self.folder / "kafka", log_file, self.ports)
            self.components.append(Component(self.broker))
            return
        program = find_tansu(self.settings.tansu, self.settings.tools)
        self.broker = Tansu(
            program,
            log_file,
            self.ports,
            self._log_bucket if kind == "tansu" else None,
            own_user_only=not self.settings.allow_open_broker,
        )
        self.components.append(
            Component(self.broker, needs=(self.store.name,) if self.store and kind == "tansu" else ())
        )

    @property
    def s3_endpoint(self) -> str:
        return self.store.endpoint if self.store else self.settings.s3_endpoint or ""

    @property
    def mongo_url(self) -> str:
        external = self.settings.mongo_url
        return external.get_secret_value() if external else self.mongod.url_of(OPERATOR) if self.mongod else ""

    @property
    def kafka_bootstrap(self) -> str:
        return self.broker.bootstrap if self.broker else self.settings.kafka_bootstrap or ""

    def _external_keys(self) -> S3Credentials:
        secret = self.settings.s3_secret_access_key.get_secret_value()
        return S3Credentials(access_key_id=self.settings.s3_access_key_id, secret_access_key=secret)

    def _log_bucket(self) -> LogBucket:
        keys = self.credentials.broker if self.store else self._external_keys()
        return LogBucket(self.s3_endpoint, self.broker_bucket, self.settings.region, keys)

    def servers(
        self, supervisor: Supervisor, ses_endpoint: str, state_file: StateFile, closing: AsyncExitStack
    ) -> Servers:
        return Servers(
            folder=self.folder,
            region=self.settings.region,
            mongo_url=self.mongo_url,
            mongo_urls={user: self.mongod.url_of(user) for user in USERS} if self.mongod else {},
            kafka_bootstrap=self.kafka_bootstrap,
            s3_endpoint=self.s3_endpoint,
            ses_endpoint=ses_endpoint,
            content_bucket=self.content_bucket,
            processed_bucket=self.processed_bucket,
            broker_bucket=self.broker_bucket,
            broker_log=self._log_bucket() if isinstance(self.broker, Tansu) and self.broker.log_bucket else None,
            upload_role_arn=UPLOAD_ROLE_ARN,
            services_keys=self.credentials.services if self.store else self._external_keys(),
            root_keys=self.credentials.root if self.store else self._external_keys(),
            service_secrets=variables(self.credentials.service_keys, self.credentials.signing_secrets),
            supervisor=supervisor,
            ports=self.ports,
            _state_file=state_file,
            _closing=closing,
        )


async def _end_leftovers(processes: Mapping[str, ProcessId]) -> None:
    """Stop servers of a run whose supervisor was killed, where the system does not end them with it."""
    ended = await asyncio.gather(*(asyncio.to_thread(end_leftover, process) for process in processes.values()))
    for name, was_running in zip(processes, ended, strict=True):
        if was_running:
            log.warning("leftover_server_ended", server=name)


async def start_servers(
    folder: Path,
    *,
    settings: StandaloneSettings | None = None,
    broker: BrokerKind = "tansu",
    mailbox: bool = True,
    on_change: OnChange = ignore,
    port_choice: range = SERVER_PORTS,
    check: Callable[[], None] = ignore,
    meanwhile: Meanwhile | None = None,
) -> Servers:
    """Start the servers that the settings do not place elsewhere; return once all are ready.

    `folder` is absolute. With `mailbox=False` the caller serves `create_mailbox_app` at `ses_endpoint`. Call it from a
    thread that lives as long as the servers. `check` raises what prevents the start: it runs once the folder is locked
    and its secrets are in place, before anything is started. AlreadyRunning, SecretsMissing, ProgramMissing, PortTaken,
    ServerFailed.
    """
    settings = settings or StandaloneSettings()
    async with AsyncExitStack() as opening:
        opening.enter_context(StackLock(folder))
        if settings.secrets_folder:
            move_credentials(folder, settings.secrets_folder)
        check()
        known = read_state(folder)
        if known.folder == str(folder):  # in a copied folder they belong to the original
            await _end_leftovers(known.processes)
        ports = PortBook(known.ports, port_choice)
        file = StateFile(folder, ports, known.credentials_file or CREDENTIALS_FILE)
        file.write()  # the state of the last run is outdated
        plan = _Plan(folder, settings, broker, ports)
        opening.callback(file.processes, {})
        supervisor = Supervisor(ports, on_change=on_change, on_processes=file.processes)
        opening.push_async_callback(supervisor.stop)
        if plan.access_log:
            await opening.enter_async_context(plan.access_log.receiving())
        ports.secure(["mailbox"])
        ses_endpoint = settings.ses_endpoint or f"http://{LOOPBACK}:{ports['mailbox']}"
        for component in plan.components:
            supervisor.secure_ports(component.server)
        async with _beside(meanwhile, plan.servers(supervisor, ses_endpoint, file, AsyncExitStack())):
            await supervisor.start(plan.components)
        if plan.store:
            await opening.enter_async_context(encrypting_existing(plan.store, settings.region))
        if mailbox and not settings.ses_endpoint:
            app = create_mailbox_app(folder / MAILBOX_FOLDER)
            await opening.enter_async_context(serving(app, LOOPBACK, ports["mailbox"]))
        servers = plan.servers(supervisor, ses_endpoint, file, opening.pop_all())
    file.write(
        {
            "mongodb": plan.mongod.url if plan.mongod else "external",
            "kafka": servers.kafka_bootstrap,
            "s3": servers.s3_endpoint,
            "ses": servers.ses_endpoint,
        }
    )
    return servers


@asynccontextmanager
async def _beside(work: Meanwhile | None, servers: Servers) -> AsyncIterator[None]:
    """Do the work while the block runs; wait for its end, unless the block fails."""
    if work is None:
        yield
        return
    task = asyncio.ensure_future(work(servers))
    try:
        yield
        await task
    finally:
        await end_tasks([task])


def clock_skew_file(data: Path, component: str) -> Path:
    """Return the file by which `docstore chaos` skews the clock of a service's process."""
    return data / "clock-skew" / component
