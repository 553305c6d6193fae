"""Amazon SNS: a topic in the subscriber's AWS account, or a text message to a phone."""

import re
from typing import Any, ClassVar, Self

from docstore_notify.channels.aws import Aws
from docstore_notify.channels.aws_targets import ROLE_HELP, AwsChannel, checked_arn, with_role
from docstore_notify.channels.base import ChannelResources
from docstore_notify.channels.message import attributes, message_body
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.channels.sms import sms_text
from docstore_notify.channels.target_fields import TargetFields, invalid_target
from docstore_notify.domain import Delivery, Target
from docstore_notify.settings import NotifySettings
from docstore_platform.period_counts import PeriodCounts

PHONE_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
"""E.164."""
TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}(\.fifo)?", re.ASCII)
TEXTS_PER_NUMBER = 20
"""Limit for each phone number, because its ownership is not verified."""


class SnsChannel(AwsChannel):
    """Sends to a topic or a phone. Text messages are limited, since anybody's number can be entered and DocStore pays;
    `texts` counts every attempt of a day."""

    name = "sns"
    help = "`{topic_arn, role_arn}` or `{phone_number}`: a topic of Amazon SNS, or a text message"
    target_fields: ClassVar = {
        "topic_arn": "ARN of an SNS topic.",
        "phone_number": "Phone number in international form.",
        "role_arn": ROLE_HELP,
    }

    def __init__(self, aws: Aws, texts: PeriodCounts, texts_a_day: int) -> None:
        super().__init__(aws)
        self._texts = texts
        self._texts_a_day = texts_a_day

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        return cls(Aws(resources.settings), resources.text_counts, resources.settings.max_texts_per_day)

    @classmethod
    def check_target(cls, fields: TargetFields, account_id: str, settings: NotifySettings) -> Target:
        if "phone_number" in fields:
            number = fields.take("phone_number")
            fields.end()
            if not PHONE_NUMBER.fullmatch(number):
                raise invalid_target("phone_number must be in international form, such as +6421234567.", "phone_number")
            return Target(number, region=settings.aws_region)
        if "topic_arn" not in fields:
            raise invalid_target("The channel sns needs topic_arn or phone_number.", "topic_arn")
        arn, region = checked_arn(fields.take("topic_arn"), "topic_arn", "sns", TOPIC_NAME)
        return with_role(fields, arn, region, account_id, settings)

    @classmethod
    def entered(cls, target: Target) -> dict[str, str]:
        if _is_phone(target):
            return {"phone_number": target.address}
        return {"topic_arn": target.address, "role_arn": target.role_arn}

    async def send(self, delivery: Delivery) -> Receipt:
        target = delivery.target
        if target is None:
            raise Refused("SNS target without a topic or a phone number")
        if _is_phone(target):
            await self._count_text(delivery.account_id, target.address)
            request = _to_phone(delivery, target)
        else:
            request = _to_topic(delivery, target)
        response = await self._aws.call("sns", target, lambda client: client.publish(**request))
        return Receipt(response["ResponseMetadata"]["HTTPStatusCode"], response["MessageId"])

    async def _count_text(self, account_id: str, number: str) -> None:
        if (await self._texts.add(account_id)).number > self._texts_a_day:
            raise Refused(f"an account can send at most {self._texts_a_day} text messages a day")
        if (await self._texts.add(number)).number > TEXTS_PER_NUMBER:
            raise Refused(f"a phone number can get at most {TEXTS_PER_NUMBER} text messages a day from all accounts")


def _is_phone(target: Target) -> bool:
    return target.address.startswith("+")


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
