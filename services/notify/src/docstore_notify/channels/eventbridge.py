"""Amazon EventBridge: an event bus of the follower's, in their account."""

from docstore_notify.channels.aws import Aws, outcome
from docstore_notify.channels.message import message_body
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.domain import Delivery

SOURCE = "docstore"


class EventBridgeChannel:
    """EventBridge can't tell doubles; `detail.id` does."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def send(self, delivery: Delivery) -> Receipt:
        target = delivery.target
        if target is None:
            raise Refused("EventBridge without a bus")
        entry = {
            "Source": SOURCE,
            "DetailType": delivery.kind,
            "Detail": message_body(delivery),
            "Time": delivery.created_at,
            "EventBusName": target.address,
        }
        answer = await self._aws.call("events", target, lambda client: client.put_events(Entries=[entry]))
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        result = answer["Entries"][0]
        if code := result.get("ErrorCode"):  # the call is answered 200 though the one event in it was not taken
            raise outcome(code, f"{code}: {result.get('ErrorMessage', '')}", status)
        return Receipt(status, result["EventId"])

    async def close(self) -> None:
        await self._aws.close()
