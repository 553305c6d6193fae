"""What the channels to AWS make of its errors: boto3 as it is, and an endpoint that answers by a script."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from receivers import aws_channels
from webhook_receivers import Receiver, Reply

from docstore_notify.channels.aws_services import clients as aws
from docstore_notify.channels.results import NotNow, Refused
from docstore_notify.domain import Delivery, Target
from docstore_notify.settings import NotifySettings
from docstore_platform.settings import InfraSettings

NOW = datetime.now(UTC)
JSON = {"Content-Type": "application/x-amz-json-1.1"}
QUEUE = "arn:aws:sqs:us-west-2:123456789012:changes"
ROLE = "arn:aws:iam::123456789012:role/docstore"
DENIED = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
)


async def outcome_of(receiver: Receiver, channel: str, target: Target) -> Any:
    """The receipt, or what was raised, of one message."""
    infra = InfraSettings()
    endpoint = f"http://127.0.0.1:{receiver.port}"
    channels = aws_channels(NotifySettings(infra=infra, aws_endpoint=endpoint, aws_parallel=1))
    delivery = Delivery("d1", "anna", channel, "upload_done", NOW, NOW, ({"path": "/a"},), ("e1",), target=target)
    try:
        return await channels[channel].send(delivery)
    except (NotNow, Refused) as error:
        return error
    finally:
        for opened in channels.values():
            await opened.close()


def error(status: int, code: str) -> Reply:
    return Reply(status, json.dumps({"__type": code, "message": "what happened"}).encode(), JSON)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", NotNow),
        ("InternalFailure", NotNow),
        ("AccessDeniedException", NotNow),
        ("ResourceNotFoundException", NotNow),
        ("MalformedDetail", Refused),
        ("InvalidArgument", Refused),
    ],
)
async def test_eventbridge_answers_200_and_takes_nothing(code: str, kind: type[Exception]) -> None:
    """A call that succeeds may hold an event that failed: it is not taken for delivered."""
    body = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "what happened"}]}
    async with Receiver(Reply(200, json.dumps(body).encode(), JSON)).running() as receiver:
        outcome = await outcome_of(receiver, "eventbridge", Target("changes"))
    assert type(outcome) is kind
    assert str(outcome) == f"{code}: what happened"
    assert outcome.status == 200


@pytest.mark.parametrize(
    ("reply", "kind", "status"),
    [
        (error(400, "com.amazonaws.sqs#QueueDoesNotExist"), NotNow, 400),
        (error(403, "AccessDeniedException"), NotNow, 403),
        (error(400, "RequestThrottled"), NotNow, 400),
        (error(503, "ServiceUnavailable"), NotNow, 503),
        (error(400, "KmsDisabled"), NotNow, 400),
        (error(400, "InvalidMessageContents"), Refused, 400),
        (Reply(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}), NotNow, 502),
    ],
)
async def test_only_the_message_itself_is_refused_for_good(reply: Reply, kind: type[Exception], status: int) -> None:
    """Rights, limits, outages and missing queues are mended by people and time; there is one try a call."""
    async with Receiver(reply).running() as receiver:
        outcome = await outcome_of(receiver, "sqs", Target(QUEUE))
        assert len(receiver.received) == 1
    assert type(outcome) is kind
    assert outcome.status == status


async def test_a_role_that_may_not_be_taken_is_waited_for() -> None:
    """The customer's trust policy is theirs to mend; the queue is not called meanwhile with other rights."""
    async with Receiver(Reply(403, DENIED, {"Content-Type": "text/xml"})).running() as receiver:
        outcome = await outcome_of(receiver, "sqs", Target(QUEUE, role_arn=ROLE, external_id="anna"))
        (call,) = receiver.received
    assert type(outcome) is NotNow
    assert outcome.status == 403
    assert b"Action=AssumeRole" in call.body
    assert b"ExternalId=anna" in call.body


async def test_a_silent_aws_costs_its_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that takes the call and never answers is left, and the loop runs on meanwhile."""
    monkeypatch.setattr(aws, "RESPONSE_SECONDS", 0.3)
    async with Receiver(Reply(silent=True)).running() as receiver:
        sending = asyncio.create_task(outcome_of(receiver, "sqs", Target(QUEUE)))
        outcome = await asyncio.wait_for(sending, 10)
    assert type(outcome) is NotNow
    assert "timeout" in str(outcome).lower()
