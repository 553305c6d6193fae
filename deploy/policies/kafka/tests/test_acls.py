"""What the shipped rules allow, on Apache Kafka's own broker with TLS, SCRAM and its authorizer."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    for_code,
)
from secured_kafka import SettingsOf
from yarl import URL

import docstore_accounts.app
import docstore_accounts.settings
import docstore_gateway.app
import docstore_gateway.settings
import docstore_indexer.app
import docstore_indexer.settings
import docstore_metadata.app
import docstore_metadata.settings
import docstore_notify.app
import docstore_notify.settings
import docstore_quota.app
import docstore_quota.settings
import docstore_upload.app
import docstore_upload.settings
from docstore_events.connection import kafka_connection
from docstore_events.topics import topic_names
from docstore_platform.internal import LocalTransport, register_local_app
from docstore_platform.settings import SERVICE_NAMES, ServiceName
from docstore_platform.testing import eventually

pytestmark = [pytest.mark.connected, pytest.mark.timeout(240)]

CONTENT = b"A note about the harbour.\n"
NOT_OURS = [("ce_type", b"nothing-of-docstore")]


class Gateway:
    """Calls of a client, straight into the gateway's app."""

    def __init__(self, url: str) -> None:
        self._transport = LocalTransport(url)
        self.token = ""

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        answer = await self._transport.send(method, path, headers, orjson.dumps(body) if body is not None else b"")
        return answer.status, answer.json() if answer.body else None


@pytest.fixture
async def gateway(settings_of: SettingsOf, tmp_path: Path, servers: Any) -> AsyncIterator[Gateway]:
    """All services in this process, each as the Kafka user that it is."""
    infra = {name: settings_of(name) for name in SERVICE_NAMES}
    apps: dict[ServiceName, Any] = {
        "accounts": docstore_accounts.app.create_app(
            docstore_accounts.settings.AccountsSettings(infra=infra["accounts"])
        ),
        "quota": docstore_quota.app.create_app(docstore_quota.settings.QuotaSettings(infra=infra["quota"])),
        "metadata": docstore_metadata.app.create_app(
            docstore_metadata.settings.MetadataSettings(infra=infra["metadata"])
        ),
        "upload": docstore_upload.app.create_app(docstore_upload.settings.UploadSettings(infra=infra["upload"])),
        "indexer": docstore_indexer.app.create_app(
            docstore_indexer.settings.IndexerSettings(infra=infra["indexer"], folder=tmp_path / "index")
        ),
        "notify": docstore_notify.app.create_app(
            docstore_notify.settings.NotifySettings(infra=infra["notify"], ses_endpoint=servers.ses_endpoint)
        ),
        "gateway": docstore_gateway.app.create_app(docstore_gateway.settings.GatewaySettings(infra=infra["gateway"])),
    }
    async with AsyncExitStack() as stack:
        for name, app in apps.items():
            url = infra["gateway"].service_url(name) if name != "gateway" else "local:acl-gateway"
            await stack.enter_async_context(app.router.lifespan_context(app))
            register_local_app(url, app)
        yield Gateway("local:acl-gateway")


async def test_every_service_does_its_work_as_its_own_user(gateway: Gateway) -> None:
    """With the shipped rules a file goes all the way: signed up, uploaded, counted, indexed, and found."""

    async def ready() -> bool:
        status, _ = await gateway.call("GET", "/readyz")
        return status == 200

    await eventually(ready, seconds=60)
    email, password = "ada@example.org", "correct horse battery"
    status, account = await gateway.call("POST", "/v1/accounts", {"email": email, "password": password})
    assert status == 201, account
    _, session = await gateway.call("POST", "/v1/sessions", {"email": email, "password": password})
    gateway.token = session["access_token"]
    wanted = {"path": "/note.txt", "size": len(CONTENT), "method": "put"}

    async def begun() -> Any:
        status, upload = await gateway.call("POST", "/v1/uploads", wanted)
        return upload if status == 201 else None  # once metadata has heard of the account

    upload = await eventually(begun, seconds=30)
    async with (
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as client,
        client.put(URL(upload["put"]["url"], encoded=True), data=CONTENT, headers=upload["put"]["headers"]) as sent,
    ):
        assert sent.status == 200
    status, done = await gateway.call("POST", f"/v1/uploads/{upload['id']}/complete")
    assert status == 200, done

    async def found() -> bool:
        status, answer = await gateway.call("GET", "/v1/search?q=note")
        return status == 200 and bool(answer["items"])

    async def counted() -> bool:
        _, me = await gateway.call("GET", "/v1/me")
        return bool(me["usage"]["used"] == len(CONTENT))

    await eventually(counted, seconds=30)
    await eventually(found, seconds=30)


@pytest.mark.parametrize("service", SERVICE_NAMES)
async def test_a_service_writes_its_own_topics_and_no_other(
    service: ServiceName, settings_of: SettingsOf, rules: ModuleType
) -> None:
    """What one service could forge if it were taken over ends at what it says anyway."""
    async with AIOKafkaProducer(**kafka_connection(settings_of(service)), acks="all") as producer:
        written = set()
        for topic in topic_names(""):
            try:
                await producer.send_and_wait(topic, b"{}", key=b"k", headers=NOT_OURS)
                written.add(topic)
            except TopicAuthorizationFailedError:
                continue
    assert written == rules.written().get(service, set())


@pytest.mark.parametrize("service", SERVICE_NAMES)
async def test_a_service_reads_what_it_hears_and_nothing_else(
    service: ServiceName, settings_of: SettingsOf, rules: ModuleType
) -> None:
    """Other services' events stay closed to it, and dead letters to all of them."""
    readable = set()
    async with AIOKafkaConsumer(
        **kafka_connection(settings_of(service)), enable_auto_commit=False, auto_offset_reset="earliest"
    ) as consumer:
        for topic in topic_names(""):
            consumer.assign([TopicPartition(topic, 0)])
            try:
                await consumer.getmany(timeout_ms=1000)
                readable.add(topic)
            except TopicAuthorizationFailedError:
                continue
    assert readable == rules.read().get(service, set())


async def test_no_service_takes_over_anothers_place_in_the_log(settings_of: SettingsOf) -> None:
    """Who joined another's group would take its events away."""
    with pytest.raises(GroupAuthorizationFailedError):
        async with AIOKafkaConsumer("files", **kafka_connection(settings_of("notify")), group_id="quota") as consumer:
            await consumer.getone()


async def test_no_service_makes_topics(settings_of: SettingsOf) -> None:
    """Topics are made before an upgrade, by a user who does only that."""
    admin = AIOKafkaAdminClient(**kafka_connection(settings_of("metadata")))
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic("extra", 1, 1)])
    finally:
        await admin.close()
    assert [for_code(code) for _, code, *_ in answer.topic_errors] == [TopicAuthorizationFailedError]


async def test_a_wrong_password_is_turned_away(settings_of: SettingsOf) -> None:
    """The name alone opens nothing."""
    settings = settings_of("quota").model_copy(update={"kafka_password": settings_of("notify").kafka_password})
    producer = AIOKafkaProducer(**kafka_connection(settings))
    try:
        with pytest.raises(KafkaConnectionError):
            await producer.start()
    finally:
        await producer.stop()
