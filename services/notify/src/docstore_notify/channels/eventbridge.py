"""Amazon EventBridge: an event bus in the subscriber's AWS account."""

import re
from typing import ClassVar

from docstore_notify.channels.aws_services.clients import outcome
from docstore_notify.channels.aws_services.targets import REGION, ROLE_HELP, AwsChannel, checked_arn, with_role
from docstore_notify.channels.message import message_body
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.channels.target_fields import TargetFields, invalid_target
from docstore_notify.domain import Delivery, Target
from docstore_notify.settings import NotifySettings

SOURCE = "docstore"
BUS_NAME = re.compile(r"[\w./-]{1,256}", re.ASCII)


class EventBridgeChannel(AwsChannel):
    """Sends to an event bus. EventBridge delivers duplicates; receivers recognize them by `detail.id`."""

    name = "eventbridge"
    help = "`{bus, role_arn, region?}`: name or ARN of an event bus of Amazon EventBridge"
    target_fields: ClassVar = {
        "bus": "Name or ARN of an EventBridge bus.",
        "role_arn": ROLE_HELP,
        "region": "AWS region.",
    }

    @classmethod
    def check_target(cls, fields: TargetFields, account_id: str, settings: NotifySettings) -> Target:
        bus = fields.take("bus")
        region = fields.take("region")
        if bus.startswith("arn:"):
            bus, region = checked_arn(bus, "bus", "events", re.compile(f"event-bus/{BUS_NAME.pattern}", re.ASCII))
        elif not BUS_NAME.fullmatch(bus):
            raise invalid_target("bus must be the name or the ARN of an event bus.", "bus")
        elif region and not REGION.fullmatch(region):
            raise invalid_target("region must be an AWS region such as us-west-2.", "region")
        return with_role(fields, bus, region or settings.aws_region, account_id, settings)

    @classmethod
    def entered(cls, target: Target) -> dict[str, str]:
        return {"bus": target.address, "role_arn": target.role_arn, "region": target.region}

    async def send(self, delivery: Delivery) -> Receipt:
        target = delivery.target
        if target is None:
            raise Refused("EventBridge target without a bus")
        entry = {
            "Source": SOURCE,
            "DetailType": delivery.kind,
            "Detail": message_body(delivery),
            "Time": delivery.created_at,
            "EventBusName": target.address,
        }
        response = await self._aws.call("events", target, lambda client: client.put_events(Entries=[entry]))
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        result = response["Entries"][0]
        if code := result.get("ErrorCode"):  # AWS answers 200 even if it refuses the event
            raise outcome(code, f"{code}: {result.get('ErrorMessage', '')}", status)
        return Receipt(status, result["EventId"])
