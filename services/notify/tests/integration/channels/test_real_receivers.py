"""From the event to the machine: the whole service with the channels as they are, to receivers that come and go."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from notify_service import Notify
from standardwebhooks.webhooks import Webhook
from webhook_receivers import Canary, Receiver, Reply

from docstore_events.catalogue.files import FileCreated, FileDeleted, FileModified
from docstore_notify.app import create_app
from docstore_notify.channels.webhook import UNREACHABLE
from docstore_platform.ids import new_id
from docstore_platform.service.client import register_local_app
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
LIFE = ["created", "modified", "deleted"]
KEYS = {"region_name": "us-west-2", "aws_access_key_id": "local", "aws_secret_access_key": "local"}


@asynccontextmanager
async def running(notify: Notify, **changes: Any) -> AsyncIterator[None]:
    """The service with its real channels."""
    settings = notify.settings(webhook_allow_http=True, aws_own_resources=True, **changes)
    app = create_app(settings)
    register_local_app(notify.url, app)
    async with notify.publisher().running(), app.router.lifespan_context(app):
        yield


def life(about: dict[str, Any]) -> list[Any]:
    return [FileCreated(**about), FileModified(**about, added_bytes=1), FileDeleted(**about)]


async def test_a_receiver_fails_dawdles_leaves_and_comes_back(notify: Notify) -> None:
    """Nothing is lost, all is in order and signed; what it took without saying so comes again with the same id."""
    anna = notify.person()
    about = anna.file()
    receiver = Receiver(Reply(500), Reply(silent=True), Reply(429, b"", {"Retry-After": "1"}))
    async with running(notify, webhook_allowed_networks="127.0.0.0/8", webhook_timeout_seconds=0.5):
        async with receiver.running():
            target = {"url": f"http://127.0.0.1:{receiver.port}/hook"}
            hook = await anna.follow(about["file"].file_id, channel="webhook", target=target)
            await notify.publish(*life(about)[:2])

            async def number(expected: int) -> bool:
                return len(receiver.received) >= expected

            await eventually(lambda: number(3))
        await notify.publish(*life(about)[2:])
        async with receiver.running(port=receiver.port):
            await eventually(lambda: number(6))
            log = (await anna.get(f"/v1/subscriptions/{hook['id']}/deliveries"))["items"]
    messages = [Webhook(hook["secret"]).verify(got.body, dict(got.headers)) for got in receiver.received]
    assert [item["change"] for message in messages for item in message["items"]] == ["created"] * 4 + LIFE[1:]
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 3
    assert [message["id"] for message in messages] == [got.headers["webhook-id"] for got in receiver.received]
    statuses = [attempt["status"] for attempt in log[-1]["tries"]]
    assert statuses[:3] == [500, None, 429]
    assert statuses[-1] == 200


async def test_the_service_can_not_be_turned_inwards(notify: Notify) -> None:
    """A name that leads inside is not called, and its test looks like an unknown name's; an address is refused."""
    anna = notify.person()
    async with Canary().running("127.0.0.1") as canary, running(notify):
        body = {"file_id": new_id(), "channel": "webhook", "target": {"url": f"http://127.0.0.1:{canary.port}/"}}
        answer = await anna.send("POST", "/v1/subscriptions", body)
        assert (answer.status, answer.json()["code"]) == (422, "invalid_target")
        for host in ("localhost", "0x7f.1", "unknown.invalid"):
            target = {"url": f"http://{host}:{canary.port}/"}
            hook = await anna.follow(new_id(), channel="webhook", target=target)
            tested = (await anna.send("POST", f"/v1/subscriptions/{hook['id']}/test")).json()
            assert (tested["state"], tested["status"], tested["detail"]) == ("failed", None, UNREACHABLE)
        assert await canary.touched() == 0


def own_queue(endpoint: str) -> tuple[Any, str, str]:
    """A client, the URL and the ARN of a new queue."""
    sqs = boto3.session.Session().client("sqs", endpoint_url=endpoint, **KEYS)
    url = sqs.create_queue(QueueName=new_id())["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return sqs, url, arn


def targets_into(endpoint: str, queue: str) -> dict[str, dict[str, str]]:
    """A target of each AWS channel that ends in the queue."""
    session = boto3.session.Session()
    sns, events = (session.client(name, endpoint_url=endpoint, **KEYS) for name in ("sns", "events"))
    topic, bus = sns.create_topic(Name=new_id())["TopicArn"], new_id()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    events.create_event_bus(Name=bus)
    events.put_rule(Name="all", EventBusName=bus, EventPattern='{"source":["docstore"]}', State="ENABLED")
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "1", "Arn": queue}])
    return {"sqs": {"queue": queue}, "sns": {"topic_arn": topic}, "eventbridge": {"bus": bus}}


async def test_aws_leaves_and_comes_back(notify: Notify) -> None:
    """Through SQS, SNS and EventBridge each event of a file arrives once, though AWS was away when it happened."""
    anna = notify.person()
    about = anna.file()
    file_id = about["file"].file_id
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    sqs, url, arn = await asyncio.to_thread(own_queue, endpoint)
    targets = await asyncio.to_thread(targets_into, endpoint, arn)
    async with running(notify, aws_endpoint=endpoint):
        hooks = [await anna.follow(file_id, channel=name, target=target) for name, target in targets.items()]
        await asyncio.to_thread(server.stop)
        await notify.publish(*life(about))

        async def tried() -> bool:
            logs = [(await anna.get(f"/v1/subscriptions/{hook['id']}/deliveries"))["items"] for hook in hooks]
            return all(log and log[-1]["attempts"] > 0 for log in logs)

        await eventually(tried)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        server.start()
        read: list[Any] = []

        async def arrived() -> bool:
            answer = await asyncio.to_thread(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10)
            read.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
            return len(read) >= 9

        await eventually(arrived)
    await asyncio.to_thread(server.stop)
    messages = [body.get("detail", body) for body in read]
    assert sorted(item["change"] for message in messages for item in message["items"]) == sorted(LIFE * 3)
    assert len({message["id"] for message in messages}) == 9
