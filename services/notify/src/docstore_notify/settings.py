"""Settings of the notify service."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from docstore_platform.settings import ServiceSettings

Network = IPv4Network | IPv6Network


class NotifySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="NOTIFY_")

    digest_interval_seconds: float = Field(
        5.0, ge=0, description="least time between two messages of a kind to a person; 0: each event at once"
    )
    upload_quiet_delay_seconds: float = Field(
        300.0,
        gt=0,
        description="without another upload for so long, a person is told of all their uploads since the first in one "
        "message; not used where digest_interval_seconds is 0",
    )
    give_up_after_seconds: float = Field(
        24 * 3600.0, gt=0, description="a message that can't be sent for so long has failed"
    )
    disable_after_seconds: float = Field(
        5 * 24 * 3600.0, gt=0, description="a subscription whose messages have failed for so long is disabled"
    )
    max_texts_per_day: int = Field(100, ge=0, description="text messages to phones that an account has sent in a day")
    max_tests_per_hour: int = Field(
        10, ge=0, description="test messages that an account has sent in an hour: they go out at once, past all pauses"
    )
    max_subscriptions: int = Field(200, ge=1, description="of an account")
    parallel: int = Field(8, ge=1, le=64, description="mails sent at the same time")
    machine_parallel: int = Field(
        16, ge=1, le=256, description="subscriptions to machines served at the same time, each with one message"
    )
    poll_interval_seconds: float = Field(
        15.0, gt=0, description="look for what other instances have left to send this often"
    )
    lease_seconds: float = Field(60.0, gt=0, description="a sender that died loses its message after this time")
    send_timeout_seconds: float = Field(
        25.0, gt=0, description="a channel has this long to take a message; below the lease"
    )

    transport: Literal["ses", "smtp"] = "ses"
    unsubscribe_secret: SecretStr = Field(
        SecretStr(""),
        description="signs the links that end e-mails, which never expire. Several by commas: the first signs, all "
        "verify",
    )
    sender: str = Field("DocStore <no-reply@docstore.example>", description="From of every e-mail")
    ses_endpoint: str = Field("", description="empty: AWS's own in ses_region")
    ses_region: str = "us-west-2"
    ses_access_key_id: SecretStr = Field(SecretStr(""), description="empty: what the AWS environment gives")
    ses_secret_access_key: SecretStr = SecretStr("")
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(25, ge=1, le=65535)
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: Literal["none", "starttls", "tls"] = Field("starttls", description="how the connection is protected")

    webhook_allow_http: bool = Field(
        False, description="webhooks may go to http:// addresses; for tests and one machine"
    )
    webhook_allowed_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="networks (CIDR, commas between) that webhooks reach though they are not public"
    )
    webhook_timeout_seconds: float = Field(
        10.0, gt=0, description="a receiver has this long from the look-up to the answer"
    )

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
