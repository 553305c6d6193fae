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
        5.0, ge=0, description="minimum time between two messages of a kind to a person; 0: each event at once"
    )
    upload_quiet_delay_seconds: float = Field(
        300.0,
        gt=0,
        description="after so long without another upload, a person gets one message about all uploads of the run; "
        "unused if digest_interval_seconds is 0",
    )
    give_up_after_seconds: float = Field(
        24 * 3600.0, gt=0, description="a message fails after this long without success"
    )
    disable_after_seconds: float = Field(
        5 * 24 * 3600.0, gt=0, description="a subscription is disabled after its messages have failed for this long"
    )
    max_texts_per_day: int = Field(100, ge=0, description="text messages to phones that an account can send a day")
    max_all_texts_per_day: int = Field(
        1000, ge=0, description="text messages to phones that all accounts can send a day, which bounds their cost"
    )
    max_tests_per_hour: int = Field(
        10, ge=0, description="test messages that an account can send an hour; they ignore all pauses"
    )
    max_subscriptions: int = Field(200, ge=1, description="subscriptions of an account")
    parallel: int = Field(8, ge=1, le=64, description="mails sent at the same time")
    machine_parallel: int = Field(
        16, ge=1, le=256, description="subscriptions to machines that are processed at the same time"
    )
    poll_interval_seconds: float = Field(15.0, gt=0, description="how often to look for messages of other instances")
    lease_seconds: float = Field(
        60.0, gt=0, description="another instance sends the message of one that died after this"
    )
    send_timeout_seconds: float = Field(
        25.0, gt=0, description="time limit for a channel to accept a message; below the lease"
    )

    transport: Literal["ses", "smtp"] = "ses"
    unsubscribe_secret: SecretStr = Field(
        SecretStr(""),
        description="signs unsubscribe links, which never expire. Several by commas: the first signs, all verify",
    )
    sender: str = Field("DocStore <no-reply@docstore.example>", description="From of every e-mail")
    ses_endpoint: str = Field("", description="empty: AWS's own in ses_region")
    ses_region: str = "us-west-2"
    ses_access_key_id: SecretStr = Field(SecretStr(""), description="empty: credentials of the AWS environment")
    ses_secret_access_key: SecretStr = SecretStr("")
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(25, ge=1, le=65535)
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: Literal["none", "starttls", "tls"] = Field("starttls", description="TLS mode of the connection")

    push_secrets: SecretStr = Field(
        SecretStr(""),
        description="the server's keys for push services (VAPID) are derived from it; empty: no push messages. "
        "Several by commas: the first is for new browsers, the others for those that were registered with them",
    )

    webhook_allow_http: bool = Field(False, description="allow http:// URLs of webhooks; for tests and single machines")
    webhook_allowed_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="non-public networks that webhooks may reach (CIDR, comma-separated)"
    )
    webhook_timeout_seconds: float = Field(
        10.0, gt=0, description="time limit of a receiver, from the DNS look-up to the response"
    )

    aws_endpoint: str = Field("", description="one endpoint for SNS, SQS, EventBridge and STS; empty: AWS's own")
    aws_region: str = "us-west-2"
    aws_access_key_id: SecretStr = Field(SecretStr(""), description="empty: credentials of the AWS environment")
    aws_secret_access_key: SecretStr = SecretStr("")
    aws_parallel: int = Field(8, ge=1, le=64, description="calls to AWS at the same time")
    aws_own_resources: bool = Field(
        False,
        description="allow topics, queues and buses without a role, with this service's own rights. Only if everybody "
        "with an account here may use what those rights allow",
    )

    @field_validator("webhook_allowed_networks", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
