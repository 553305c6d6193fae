"""Amazon SQS: a queue of the follower's, in their account."""

from typing import Any

from docstore_notify.channels.aws import Aws
from docstore_notify.channels.message import attributes, message_body
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.domain import Delivery


class SqsChannel:
    """A FIFO queue drops doubles within five minutes; elsewhere the delivery id tells them."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def send(self, delivery: Delivery) -> Receipt:
        target = delivery.target
        if target is None:
            raise Refused("SQS without a queue")
        owner, name = target.address.split(":")[-2:]
        request: dict[str, Any] = {"MessageBody": message_body(delivery), "MessageAttributes": attributes(delivery)}
        if name.endswith(".fifo"):
            request |= {"MessageGroupId": delivery.account_id, "MessageDeduplicationId": delivery.id}

        def operation(client: Any) -> Any:
            # Made of AWS's own endpoint, never of a URL that was entered.
            queue_url = f"{client.meta.endpoint_url.rstrip('/')}/{owner}/{name}"
            return client.send_message(QueueUrl=queue_url, **request)

        answer = await self._aws.call("sqs", target, operation)
        return Receipt(answer["ResponseMetadata"]["HTTPStatusCode"], answer["MessageId"])

    async def close(self) -> None:
        await self._aws.close()
