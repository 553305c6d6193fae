"""Amazon SNS: a topic in the subscriber's AWS account, or a text message to a phone."""

import re
from typing import Any, ClassVar, Self

from docstore_notify.channels.aws_services.clients import Aws
from docstore_notify.channels.aws_services.targets import ROLE_HELP, AwsChannel, checked_arn, with_role
from docstore_notify.channels.aws_services.text_messages import TextMessages, sms_text
from docstore_notify.channels.base import ChannelResources
from docstore_notify.channels.message import attributes, message_body
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.channels.target_fields import TargetFields, invalid_target
from docstore_notify.contacts.rules import LanguageOf
from docstore_notify.domain import Delivery, Target
from docstore_notify.phone.rules import PHONE_NUMBER
from docstore_notify.settings import NotifySettings

TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}(\.fifo)?", re.ASCII)


class SnsChannel(AwsChannel):
    """Sends to a topic or a phone."""

    name = "sns"
    help = "`{topic_arn, role_arn}` or `{phone_number}`: a topic of Amazon SNS, or a text message"
    target_fields: ClassVar = {
        "topic_arn": "ARN of an SNS topic.",
        "phone_number": "Phone number in international form.",
        "role_arn": ROLE_HELP,
    }

    def __init__(self, aws: Aws, texts: TextMessages, language_of: LanguageOf) -> None:
        super().__init__(aws)
        self._texts = texts
        self._language_of = language_of

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        return cls(Aws(resources.settings), resources.texts, resources.contacts.language_of)

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
            text = sms_text(delivery, await self._language_of(delivery.account_id))
            return await self._texts.send(delivery.account_id, target.address, text)
        request = _to_topic(delivery, target)
        response = await self._aws.call("sns", target, lambda client: client.publish(**request))
        return Receipt(response["ResponseMetadata"]["HTTPStatusCode"], response["MessageId"])


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
