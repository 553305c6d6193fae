"""The real app over its HTTP routes, on real MongoDB and Kafka; quota is a small stand-in."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI
from pydantic import SecretStr

from docstore_accounts.app import create_app
from docstore_accounts.settings import AccountsSettings
from docstore_events.envelope import Envelope, open_envelope
from docstore_events.topics import provision_topics
from docstore_platform.ids import new_id
from docstore_platform.internal import Answer, LocalTransport, register_local_app
from docstore_platform.mongo import Database, Mongo
from docstore_platform.settings import InfraSettings

PASSWORD = "correct horse"
USAGE = {"used": 5, "reserved": 2, "limit": 10, "over_quota": False, "documents": 1}


class Client:
    """Speaks HTTP to one instance of the service, as one caller."""

    def __init__(self, app: FastAPI, token: str = "", address: str = "10.0.0.1") -> None:
        self.app = app
        self.token = token
        self.address = address
        self.url = f"local:{new_id()}"
        register_local_app(self.url, app)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"content-type": "application/json", "x-forwarded-for": self.address}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        payload = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        return await LocalTransport(self.url).send(method, path, {**sent, **headers}, payload)

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that must be a success."""
        answer = await self.call(method, path, body)
        assert answer.status < 300, (answer.status, answer.body)
        return answer.json() if answer.body else None

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of an answer that must be a problem."""
        answer = await self.call(method, path, body)
        assert answer.headers["content-type"] == "application/problem+json", (answer.status, answer.body)
        return answer.status, answer.json()["code"]

    async def person(self, email: str, password: str = PASSWORD) -> "Client":
        """A client that speaks as a new person, logged in."""
        await self.ok("POST", "/v1/accounts", {"email": email, "password": password})
        return await self.login(email, password)

    async def login(self, email: str, password: str = PASSWORD, device: str = "Phone") -> "Client":
        body = {"email": email, "password": password, "device_name": device}
        return Client(self.app, (await self.ok("POST", "/v1/sessions", body))["access_token"], self.address)


Run = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def settings(infra: InfraSettings) -> AccountsSettings:
    register_local_app("local:accounts-test-quota", _quota())
    return AccountsSettings(
        infra=infra.model_copy(update={"quota_url": "local:accounts-test-quota"}),
        argon2_passes=1,
        argon2_memory_kib=8,
    )


def _quota() -> FastAPI:
    quota = FastAPI()

    @quota.get("/internal/accounts/{account_id}/usage")
    async def usage(account_id: str) -> dict[str, Any]:
        return USAGE

    return quota


@pytest.fixture
async def database(infra: InfraSettings) -> AsyncIterator[Database]:
    """The service's own database, looked into from outside."""
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    yield mongo.database(f"{infra.database_prefix}accounts")
    mongo.close()


@pytest.fixture
def run(settings: AccountsSettings, database: Database) -> Run:
    """Runs one instance of the service while a block lasts; keyword arguments change its settings."""

    @asynccontextmanager
    async def running(**changes: Any) -> AsyncIterator[Client]:
        app = create_app(settings.model_copy(update=changes))
        async with app.router.lifespan_context(app):
            yield Client(app)

    return running


@pytest.fixture
def client_of() -> type[Client]:
    """Makes clients of any instance."""
    return Client


@pytest.fixture
async def client(run: Run) -> AsyncIterator[Client]:
    async with run() as client:
        yield client


@pytest.fixture
async def admin(run: Run) -> AsyncIterator[Client]:
    """The first administrator, logged in."""
    async with run(first_admin_email="root@example.org", first_admin_password=SecretStr(PASSWORD)) as client:
        yield await client.login("root@example.org")


class Said:
    """Reads along what accounts says on the broker."""

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka
        self._envelopes: list[Envelope[Any]] = []

    async def of(self, account_id: str) -> list[Envelope[Any]]:
        """All events of one account so far, in the broker's order."""
        for records in (await self._kafka.getmany(timeout_ms=100)).values():
            for record in records:
                envelope = open_envelope(record.headers, record.value)
                assert envelope is not None
                self._envelopes.append(envelope)
        return [envelope for envelope in self._envelopes if envelope.event.key() == account_id]


@pytest.fixture
async def said(infra: InfraSettings) -> AsyncIterator[Said]:
    await provision_topics(infra)
    topic = f"{infra.topic_prefix}accounts"
    kafka = AIOKafkaConsumer(bootstrap_servers=infra.kafka_bootstrap, fetch_max_wait_ms=20)
    await kafka.start()
    kafka.assign([TopicPartition(topic, number) for number in range(infra.topic_partitions)])
    await kafka.seek_to_beginning()
    yield Said(kafka)
    await kafka.stop()
