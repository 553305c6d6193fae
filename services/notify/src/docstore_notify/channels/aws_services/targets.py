"""Common parts of channels to AWS: their client, ARNs and the customer's role."""

import re
from typing import Self

from docstore_notify.channels.aws_services.clients import Aws, missing_rights
from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.target_fields import TargetFields, invalid_target
from docstore_notify.domain import Target
from docstore_notify.settings import NotifySettings

ARN = re.compile(r"arn:(aws(?:-[a-z]+)*):([a-z-]+):([a-z0-9-]*):(\d{12}):([\w./-]+)", re.ASCII)
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d", re.ASCII)
ROLE = re.compile(r"arn:aws(?:-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
ROLE_HELP = "IAM role that DocStore assumes."


class AwsChannel(Channel):
    """Base of channels to a service of AWS."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        return cls(Aws(resources.settings))

    @classmethod
    def unavailable(cls, settings: NotifySettings) -> str:
        return missing_rights(settings)

    async def close(self) -> None:
        await self._aws.close()


def checked_arn(text: str, field: str, service: str, resource: re.Pattern[str]) -> tuple[str, str]:
    """Return the ARN and its region."""
    parts = ARN.fullmatch(text)
    if not parts or parts[2] != service or not REGION.fullmatch(parts[3]) or not resource.fullmatch(parts[5]):
        raise invalid_target(
            f"{field} must be an ARN of the service {service}, such as arn:aws:{service}:us-west-2:123456789012:...",
            field,
        )
    return text, parts[3]


def with_role(fields: TargetFields, address: str, region: str, account_id: str, settings: NotifySettings) -> Target:
    role = fields.take("role_arn")
    fields.end()
    if role and not ROLE.fullmatch(role):
        raise invalid_target("role_arn must be the ARN of an IAM role.", "role_arn")
    if not role and not settings.aws_own_resources:
        raise invalid_target(
            "role_arn is required: a role that DocStore can assume with your account id as external id.",
            "role_arn",
        )
    return Target(address, role_arn=role, external_id=account_id if role else "", region=region)
