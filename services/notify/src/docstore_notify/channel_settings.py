"""Settings of the channels other than e-mail."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from docstore_platform.settings import ServiceSettings

Network = IPv4Network | IPv6Network


class ChannelSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="NOTIFY_", extra="ignore", frozen=True)

    webhook_allow_http: bool = Field(
        False, description="webhooks may go to http:// addresses; for tests and one machine"
    )
    webhook_allowed_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="networks (CIDR, commas between) that webhooks reach though they are not public"
    )
    webhook_seconds: float = Field(10.0, gt=0, description="a receiver has this long from the look-up to the answer")

    aws_endpoint: str = Field("", description="one endpoint for SNS, SQS, EventBridge and STS; empty: AWS's own")
    aws_region: str = "us-west-2"
    aws_access_key_id: SecretStr = Field(SecretStr(""), description="empty: what the AWS environment gives")
    aws_secret_access_key: SecretStr = SecretStr("")
    aws_parallel: int = Field(8, ge=1, le=64, description="calls to AWS at the same time")
    aws_own_resources: bool = Field(
        False,
        description="topics, queues and buses may be used without a role, with this service's own rights. Only where "
        "all who have an account here may use whatever those rights reach",
    )

    @field_validator("webhook_allowed_networks", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
