"""Amazon SQS: a queue in the subscriber's AWS account."""

import re
from typing import Any, ClassVar

from docstore_notify.channels.aws_services.targets import ROLE_HELP, AwsChannel, checked_arn, with_role
from docstore_notify.channels.message import attributes, message_body
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.channels.target_fields import TargetFields, invalid_target, split_url
from docstore_notify.domain import Delivery, Target
from docstore_notify.settings import NotifySettings

QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}(\.fifo)?", re.ASCII)
QUEUE_HOST = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?", re.ASCII)


class SqsChannel(AwsChannel):
    """Sends to a queue. A FIFO queue drops duplicates for five minutes; elsewhere the delivery id identifies them."""

    name = "sqs"
    help = "`{queue, role_arn}`: URL or ARN of a queue of Amazon SQS"
    target_fields: ClassVar = {"queue": "ARN of an SQS queue.", "role_arn": ROLE_HELP}

    @classmethod
    def check_target(cls, fields: TargetFields, account_id: str, settings: NotifySettings) -> Target:
        queue = fields.take("queue")
        if queue.startswith(("https://", "http://")):
            queue = _queue_arn(queue, settings)
        arn, region = checked_arn(queue, "queue", "sqs", QUEUE_NAME)
        return with_role(fields, arn, region, account_id, settings)

    @classmethod
    def entered(cls, target: Target) -> dict[str, str]:
        return {"queue": target.address, "role_arn": target.role_arn}

    async def send(self, delivery: Delivery) -> Receipt:
        target = delivery.target
        if target is None:
            raise Refused("SQS target without a queue")
        owner, name = target.address.split(":")[-2:]
        request: dict[str, Any] = {"MessageBody": message_body(delivery), "MessageAttributes": attributes(delivery)}
        if name.endswith(".fifo"):
            request |= {"MessageGroupId": delivery.account_id, "MessageDeduplicationId": delivery.id}

        def operation(client: Any) -> Any:
            # Built from AWS's own endpoint, never from an entered URL.
            queue_url = f"{client.meta.endpoint_url.rstrip('/')}/{owner}/{name}"
            return client.send_message(QueueUrl=queue_url, **request)

        response = await self._aws.call("sqs", target, operation)
        return Receipt(response["ResponseMetadata"]["HTTPStatusCode"], response["MessageId"])


def _queue_arn(url: str, settings: NotifySettings) -> str:
    """Return the ARN of the queue with this URL, whose host is never called."""
    parts = split_url(url, "queue")
    own = split_url(settings.aws_endpoint, "queue")
    host = QUEUE_HOST.fullmatch(parts.hostname or "")
    if settings.aws_endpoint and parts.netloc == own.netloc:
        region, partition = settings.aws_region, "aws"
    elif host and parts.scheme == "https" and parts.netloc == parts.hostname:
        region, partition = host[1], "aws-cn" if host[2] else "aws"
    else:
        raise invalid_target(
            "queue must be a URL such as https://sqs.us-west-2.amazonaws.com/123456789012/name, or an ARN.", "queue"
        )
    return f"arn:{partition}:sqs:{region}:{parts.path.removeprefix('/').replace('/', ':')}"
