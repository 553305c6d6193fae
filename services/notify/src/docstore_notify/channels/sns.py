"""Amazon SNS: a topic of the follower's, or a text message to a phone."""

from typing import Any

from docstore_notify.channels.aws import Aws
from docstore_notify.channels.message import attributes, message_body
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.channels.sms import sms_text
from docstore_notify.domain import Delivery, Target


class SnsChannel:
    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def send(self, delivery: Delivery) -> Receipt:
        target = delivery.target
        if target is None:
            raise Refused("SNS without a topic or a phone number")
        request = _to_phone(delivery, target) if target.address.startswith("+") else _to_topic(delivery, target)
        answer = await self._aws.call("sns", target, lambda client: client.publish(**request))
        return Receipt(answer["ResponseMetadata"]["HTTPStatusCode"], answer["MessageId"])

    async def close(self) -> None:
        await self._aws.close()


def _to_topic(delivery: Delivery, target: Target) -> dict[str, Any]:
    request = {
        "TopicArn": target.address,
        "Message": message_body(delivery),
        "MessageAttributes": attributes(delivery),
    }
    if target.address.endswith(".fifo"):
        request |= {"MessageGroupId": delivery.account_id, "MessageDeduplicationId": delivery.id}
    return request


def _to_phone(delivery: Delivery, target: Target) -> dict[str, Any]:
    kind = {"DataType": "String", "StringValue": "Transactional"}
    return {
        "PhoneNumber": target.address,
        "Message": sms_text(delivery),
        "MessageAttributes": {"AWS.SNS.SMS.SMSType": kind},
    }
