"""SNS, SQS and EventBridge against an independent implementation of AWS, read back from the queues they lead to."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.sns.models import sns_backends
from moto.sts.models import sts_backends
from receivers import aws_channels

from docstore_notify.channels.aws_services.clients import Aws
from docstore_notify.channels.base import Channel
from docstore_notify.channels.registry import REGISTRY
from docstore_notify.channels.results import NotNow, Refused
from docstore_notify.channels.sqs import SqsChannel
from docstore_notify.domain import Delivery, Target
from docstore_notify.settings import NotifySettings
from docstore_platform.ids import new_id
from docstore_platform.settings import InfraSettings

NOW = datetime.now(UTC).replace(microsecond=0)
REGION = "us-west-2"
CUSTOMER = "111122223333"
"""The customer's AWS account: what is in it can be reached with a role of theirs only."""
ROLE = f"arn:aws:iam::{CUSTOMER}:role/docstore"


def settings(endpoint: str) -> NotifySettings:
    infra = InfraSettings()
    return NotifySettings(infra=infra, aws_endpoint=endpoint, aws_own_resources=True)


def delivery(channel: str, target: Target) -> Delivery:
    item = {"file_id": "f1", "path": "/Überblick\x01.pdf", "size": 3}
    return Delivery(new_id(), "anna", channel, "upload_done", NOW, NOW, (item,), ("e1", "e2"), target=target)


@dataclass
class Cloud:
    """AWS on this machine; `client` is the customer's view of it."""

    endpoint: str

    def client(self, service: str, account: str = CUSTOMER) -> Any:
        keys = {"aws_access_key_id": "own", "aws_secret_access_key": "own"}
        if account != DEFAULT_ACCOUNT_ID:
            taken = self.client("sts", DEFAULT_ACCOUNT_ID).assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/theirs", RoleSessionName="customer"
            )["Credentials"]
            keys = {
                "aws_access_key_id": taken["AccessKeyId"],
                "aws_secret_access_key": taken["SecretAccessKey"],
                "aws_session_token": taken["SessionToken"],
            }
        return boto3.session.Session().client(service, region_name=REGION, endpoint_url=self.endpoint, **keys)

    def queue(self, name: str = "") -> "Queue":
        """A new queue of the customer's, for anyone to write to."""
        name = name or new_id()
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
        return Queue(sqs, url, f"arn:aws:sqs:{REGION}:{CUSTOMER}:{name}")


@dataclass
class Queue:
    sqs: Any
    url: str
    arn: str

    def read(self) -> list[Any]:
        """What has come since the last time."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        return list(answer.get("Messages", []))


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Cloud(f"http://{host}:{port}")
    server.stop()


@pytest.fixture
async def channels(cloud: Cloud) -> AsyncIterator[dict[str, Channel]]:
    channels = aws_channels(settings(cloud.endpoint))
    yield channels
    for channel in channels.values():
        await channel.close()


Entered = Callable[..., Target]


@pytest.fixture
def entered(cloud: Cloud) -> Entered:
    """A target as a follower enters it, checked as the service does."""

    def check(channel: str, **target: str) -> Target:
        return REGISTRY.check_target(channel, target, account_id="anna", settings=settings(cloud.endpoint))

    return check


async def test_sqs_delivers_into_the_customers_queue(
    cloud: Cloud, channels: dict[str, Channel], entered: Entered
) -> None:
    """By their role, said with the follower's account as external id; body and attributes as published."""
    queue = await asyncio.to_thread(cloud.queue)
    message = delivery("sqs", entered("sqs", queue=queue.url.replace("localhost", "127.0.0.1"), role_arn=ROLE))
    receipt = await channels["sqs"].send(message)
    (got,) = await asyncio.to_thread(queue.read)
    assert json.loads(got["Body"]) == {
        "id": message.id,
        "type": "upload_done",
        "created_at": NOW.isoformat(),
        "items": [{"file_id": "f1", "path": "/Überblick\x01.pdf", "size": 3}],
        "more": 1,
    }
    assert {name: value["StringValue"] for name, value in got["MessageAttributes"].items()} == {
        "kind": "upload_done",
        "delivery_id": message.id,
    }
    assert (receipt.status, receipt.detail) == (200, got["MessageId"])
    taken = [role for role in sts_backends[CUSTOMER]["aws"].assumed_roles if role.session_name == "docstore-notify"]
    assert {(role.role_arn, role.external_id) for role in taken} == {(ROLE, "anna")}


async def test_without_the_role_the_queue_is_not_reached(cloud: Cloud, channels: dict[str, Channel]) -> None:
    """The role is what opens the customer's account; without it the message waits for its owner to mend that."""
    queue = await asyncio.to_thread(cloud.queue)
    with pytest.raises(NotNow) as caught:
        await channels["sqs"].send(delivery("sqs", Target(queue.arn, region=REGION)))
    assert caught.value.status == 400
    assert await asyncio.to_thread(queue.read) == []


async def test_a_fifo_queue_drops_doubles(cloud: Cloud, channels: dict[str, Channel], entered: Entered) -> None:
    """The delivery id is the deduplication id: a crash after sending, and sending again, leaves one message."""
    queue = await asyncio.to_thread(cloud.queue, f"{new_id()}.fifo")
    message = delivery("sqs", entered("sqs", queue=queue.arn, role_arn=ROLE))
    await channels["sqs"].send(message)
    await channels["sqs"].send(message)
    (got,) = await asyncio.to_thread(queue.read)
    assert got["Attributes"]["MessageDeduplicationId"] == message.id


async def test_a_missing_queue_is_waited_for(cloud: Cloud, channels: dict[str, Channel], entered: Entered) -> None:
    """Whoever deleted their queue by mistake makes it again, and gets the message."""
    name = new_id()
    message = delivery("sqs", entered("sqs", queue=f"arn:aws:sqs:{REGION}:{CUSTOMER}:{name}", role_arn=ROLE))
    with pytest.raises(NotNow):
        await channels["sqs"].send(message)
    queue = await asyncio.to_thread(cloud.queue, name)
    await channels["sqs"].send(message)
    assert len(await asyncio.to_thread(queue.read)) == 1


async def test_sns_publishes_to_a_topic(cloud: Cloud, channels: dict[str, Channel], entered: Entered) -> None:
    """A queue that has subscribed to the customer's topic reads the message, with attributes to filter by."""
    queue = await asyncio.to_thread(cloud.queue)

    def subscribed() -> str:
        sns = cloud.client("sns")
        topic = sns.create_topic(Name=new_id())["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
        return str(topic)

    message = delivery("sns", entered("sns", topic_arn=await asyncio.to_thread(subscribed), role_arn=ROLE))
    receipt = await channels["sns"].send(message)
    (got,) = await asyncio.to_thread(queue.read)
    notice = json.loads(got["Body"])
    assert json.loads(notice["Message"])["id"] == message.id
    assert notice["MessageAttributes"]["kind"]["Value"] == "upload_done"
    assert receipt.detail == notice["MessageId"]


async def test_sns_sends_a_text_message(channels: dict[str, Channel], entered: Entered) -> None:
    """A phone gets one short line."""
    number = "+6421234567"
    message = replace(delivery("sns", entered("sns", phone_number=number)), event_ids=("e1",))
    await channels["sns"].send(message)
    sent = sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages.values()
    assert [text for receiver, text in sent if receiver == number] == ["DocStore: Uploaded: Überblick .pdf"]


async def test_eventbridge_takes_events(cloud: Cloud, channels: dict[str, Channel], entered: Entered) -> None:
    """A rule on the customer's bus finds source, kind and detail, and passes them on to a queue."""
    queue = await asyncio.to_thread(cloud.queue)
    bus = new_id()

    def ruled() -> None:
        events = cloud.client("events")
        events.create_event_bus(Name=bus)
        pattern = {"source": ["docstore"], "detail-type": ["upload_done"]}
        events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps(pattern), State="ENABLED")
        events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "1", "Arn": queue.arn}])

    await asyncio.to_thread(ruled)
    message = delivery("eventbridge", entered("eventbridge", bus=bus, role_arn=ROLE))
    receipt = await channels["eventbridge"].send(message)
    (got,) = await asyncio.to_thread(queue.read)
    event = json.loads(got["Body"])
    assert (event["source"], event["detail-type"]) == ("docstore", "upload_done")
    assert event["detail"]["id"] == message.id
    assert event["time"] == NOW.isoformat().replace("+00:00", "Z")
    assert receipt.detail == event["id"]


async def test_an_aws_that_is_down_is_waited_for(cloud: Cloud, entered: Entered) -> None:
    """No connection, to the service or to STS, loses no message; when it is back, the same channel delivers."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    nowhere = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()
    channels = aws_channels(settings(nowhere))
    for channel, target in (
        ("sqs", entered("sqs", queue=f"arn:aws:sqs:{REGION}:{CUSTOMER}:q", role_arn=ROLE)),
        ("sns", entered("sns", phone_number="+6421234567")),
        ("eventbridge", entered("eventbridge", bus="b", role_arn=ROLE)),
    ):
        with pytest.raises(NotNow):
            await channels[channel].send(delivery(channel, target))
    for opened in channels.values():
        await opened.close()


async def test_targets_that_aws_calls_invalid_are_refused(channels: dict[str, Channel]) -> None:
    """A request that can never be right is not repeated for a day."""
    with pytest.raises(Refused):
        await channels["sns"].send(delivery("sns", Target("+one", region=REGION)))


async def test_a_role_is_taken_again_before_its_hour_is_over(cloud: Cloud, entered: Entered) -> None:
    """Credentials serve many messages, and are renewed five minutes before they end."""
    queue = await asyncio.to_thread(cloud.queue)
    role = f"{ROLE}-{new_id()}"
    now = datetime.now(UTC)
    channel = SqsChannel(Aws(settings(cloud.endpoint), clock=lambda: now))

    def taken() -> int:
        return sum(assumed.role_arn == role for assumed in sts_backends[CUSTOMER]["aws"].assumed_roles)

    counts = []
    for minutes in (0, 0, 54, 2):
        now += timedelta(minutes=minutes)
        await channel.send(delivery("sqs", entered("sqs", queue=queue.arn, role_arn=role)))
        counts.append(taken())
    await channel.close()
    assert counts == [1, 1, 1, 2]
