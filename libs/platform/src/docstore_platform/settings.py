"""Settings shared by the services. Each is an environment variable `DOCSTORE_<NAME>`; secrets have no default.

A setting names its unit, and what a time means: an `interval` between two looks, a `delay` before something, a `lease`,
a `timeout`, the `lifetime` of what is handed out, a `grace` period, a `window` that is counted in, a `wait` for an
answer, or `after` so long. Plain `..._days` are how long something is kept.
"""

import os
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

import structlog
from pydantic import Field, SecretStr, create_model, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from docstore_platform.old_setting_names import OLD_NAMES
from docstore_platform.services import INTERNAL_SERVICES, ServiceName

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS = 75
"""An idle connection is kept longer than clients keep it: who closes first must not be sent a request meanwhile."""

_warned: set[str] = set()


class Settings(BaseSettings):
    """Base of all settings; a subclass sets `env_prefix`. Environment variables of `OLD_NAMES` work with a warning."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, InitSettingsSource(settings_cls, cls._values_by_old_names())

    @classmethod
    def _values_by_old_names(cls) -> dict[str, str]:
        environment = {name.upper(): value for name, value in os.environ.items()}
        prefix = cls.model_config.get("env_prefix", "")
        values: dict[str, str] = {}
        for old, new in OLD_NAMES.get(prefix, {}).items():
            variable = f"{prefix}{old}".upper()
            if variable in environment:
                values[new] = environment[variable]
                _warn_once(variable, f"{prefix}{new}".upper())
        return values


def _warn_once(old: str, new: str) -> None:
    """Settings are read for the first time before logging is configured by them, and again after."""
    if old not in _warned and structlog.is_configured():
        _warned.add(old)
        log.warning("setting_renamed", old_name=old, new_name=new)


if TYPE_CHECKING:

    class ServiceUrls(Settings): ...

else:
    ServiceUrls = create_model(
        "ServiceUrls",
        __base__=Settings,
        **{f"{name}_url": (str, f"http://{name}:8000") for name in INTERNAL_SERVICES},
    )
    """Where each service is: `<name>_url`; read by `service_url`."""


class InfraSettings(ServiceUrls):
    """Where the shared servers are and how this process behaves towards them."""

    model_config = SettingsConfigDict(env_prefix="DOCSTORE_")

    region: str = Field("us-west-2", description="this stack's home region; part of the bucket's name")
    service_key: SecretStr = Field(
        SecretStr(""),
        description="private key of this service (Ed25519, 32 bytes in base64url), by which the others know it; "
        "a JSON object of keys by service where one process runs several",
    )
    service_public_keys: dict[str, list[str]] = Field(
        {}, description="public keys of every service, by name; two of one while its key is rotated"
    )
    reset_link_secrets: SecretStr = Field(
        SecretStr(""),
        description="signs mailed links, by which a password is set anew or an e-mail address is verified; for "
        "accounts and notify alone. Several by commas: the first signs, all verify",
    )
    internal_secret: SecretStr = Field(
        SecretStr(""),
        description="deprecated: the secret that services of the previous version share. While it is set, their calls "
        "and what they signed are accepted; unset it once all are upgraded",
    )
    issuer: str = Field("docstore", description="`iss` of the access tokens made and accepted here")

    mongo_url: SecretStr = Field(SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0"))
    database_prefix: str = Field("docstore_", description="database of a service: prefix + its name")

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str = Field("", description="of this service, where the protocol is a SASL one")
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: str = Field("", description="CA certificates (PEM) the brokers' are checked by; empty: the system's")
    topic_prefix: str = Field("", description="put before every topic and consumer group")
    topic_partitions: int = Field(4, ge=1)
    topic_replication: int = Field(1, ge=1)
    fetch_wait_ms: int = Field(500, ge=1, description="how long the broker may hold back an empty fetch")
    single_instance: bool = Field(
        False,
        description="each service runs once: its consumer takes every partition without joining a group, "
        "which saves the wait for a rebalance at every start",
    )
    idle_interval_ms: int = Field(
        0,
        ge=0,
        description="ask the broker for events of other processes this often, and take those of this one from "
        "memory; 0: always ask. For brokers that do not wake a waiting fetch",
    )
    outbox_interval_ms: int = Field(200, ge=1, description="look for outbox rows of other instances this often")

    s3_endpoint: str = "http://127.0.0.1:8333"
    s3_public_endpoint: str = Field("", description="as clients reach it; empty: the same as s3_endpoint")
    s3_sts_endpoint: str = Field("", description="empty: the same as s3_endpoint")
    s3_path_style: bool = Field(True, description="bucket in the path; off: in the host name, as AWS prefers")
    s3_access_key_id: SecretStr = SecretStr("")
    s3_secret_access_key: SecretStr = SecretStr("")
    s3_bucket: str = Field("", description="empty: `docstore-content-<region>`")
    s3_processed_bucket: str = Field("", description="of previews; empty: `docstore-processed-<region>`")
    s3_upload_role_arn: str = Field("arn:aws:iam::role/docstore-uploader", description="assumed for STS uploads")

    public_url: str = Field("http://127.0.0.1:8080", description="the gateway as clients reach it")

    allow_weak_sandbox: bool = Field(
        False,
        description="parse documents although the host offers no full sandbox, or none at all: a document "
        "that takes a parser over may then read what the service can. Off: such documents wait",
    )
    log_level: str = "INFO"
    log_json: bool = True
    otlp_endpoint: str = Field("", description="OTLP/HTTP collector; empty: ids are passed on, no span is sent")

    @model_validator(mode="after")
    def _kafka_user_is_named(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_username and self.kafka_password.get_secret_value()
        ):
            raise ValueError(f"{self.kafka_security_protocol} needs kafka_username and kafka_password")
        return self

    def service_url(self, name: ServiceName) -> str:
        """Base address of a service; `local:` means the app of that name in this process."""
        return str(getattr(self, f"{name}_url"))

    @cached_property
    def bucket(self) -> str:
        return self.s3_bucket or f"docstore-content-{self.region}"

    @cached_property
    def processed_bucket(self) -> str:
        return self.s3_processed_bucket or f"docstore-processed-{self.region}"

    @cached_property
    def public_s3(self) -> str:
        return self.s3_public_endpoint or self.s3_endpoint


class ServiceSettings(Settings):
    """Base of each service's own settings, with the prefix of its name, e.g. `QUOTA_`."""

    infra: InfraSettings = Field(default_factory=lambda: InfraSettings())
