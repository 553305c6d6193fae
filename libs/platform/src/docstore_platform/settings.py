"""Settings shared by the services. Each is an environment variable `DOCSTORE_<NAME>`; secrets have no default.

The name of a setting contains its unit, and the meaning of a time: `interval` between checks, `delay` before something,
`lease`, `timeout`, `lifetime` of something issued, `grace` period, `window` of a count, `wait` for a response, or
`after` so long. Plain `..._days` is how long something is kept.
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
"""Longer than clients keep idle connections: the side that closes first must not get a request meanwhile."""

ORIGIN_OR_EMPTY = r"^(https?://[A-Za-z0-9.\-\[\]:]+)?$"
"""Scheme, host and port, and nothing that would end a directive of a content security policy."""

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
    """Log once: settings are read before logging is configured by them, and again afterwards."""
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
    """Address of each service: `<name>_url`; read by `service_url`."""


class InfraSettings(ServiceUrls):
    """Addresses of the shared servers, and how this process uses them."""

    model_config = SettingsConfigDict(env_prefix="DOCSTORE_")

    region: str = Field("us-west-2", description="this stack's home region; part of the bucket's name")
    service_key: SecretStr = Field(
        SecretStr(""),
        description="private key of this service (Ed25519, 32 bytes in base64url), which authenticates it; "
        "a JSON object of keys by service where one process runs several",
    )
    service_public_keys: dict[str, list[str]] = Field(
        {}, description="public keys of every service, by name; two of one while its key is rotated"
    )
    reset_link_secrets: SecretStr = Field(
        SecretStr(""),
        description="signs mailed links to reset passwords and verify e-mail addresses, and codes sent to phones; for "
        "accounts and notify only. Several by commas: the first signs, all verify",
    )
    internal_secret: SecretStr = Field(
        SecretStr(""),
        description="deprecated: shared secret of the previous version's services. While it is set, their calls "
        "and signatures are accepted; unset it once all are upgraded",
    )
    issuer: str = Field("docstore", description="`iss` of issued and accepted access tokens")

    mongo_url: SecretStr = Field(SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0"))
    database_prefix: str = Field("docstore_", description="database of a service: prefix + its name")

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str = Field("", description="user of this service, for SASL protocols")
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: str = Field("", description="CA certificates (PEM) to verify brokers with; empty: the system's")
    topic_prefix: str = Field("", description="prefix of every topic and consumer group")
    topic_partitions: int = Field(4, ge=1)
    topic_replication: int = Field(1, ge=1)
    fetch_wait_ms: int = Field(500, ge=1, description="how long the broker may hold an empty fetch")
    single_instance: bool = Field(
        False,
        description="each service runs once: its consumer takes every partition without joining a group, "
        "which saves the wait for a rebalance at every start",
    )
    idle_interval_ms: int = Field(
        0,
        ge=0,
        description="how often to ask the broker for events of other processes; those of this process come from "
        "memory; 0: always ask. For brokers that do not wake a waiting fetch",
    )
    outbox_interval_ms: int = Field(200, ge=1, description="how often to look for outbox rows of other instances")

    s3_endpoint: str = "http://127.0.0.1:8333"
    s3_public_endpoint: str = Field("", description="address for clients; empty: the same as s3_endpoint")
    s3_sts_endpoint: str = Field("", description="empty: the same as s3_endpoint")
    s3_path_style: bool = Field(True, description="bucket name in the path; off: in the host name, as AWS prefers")
    s3_access_key_id: SecretStr = SecretStr("")
    s3_secret_access_key: SecretStr = SecretStr("")
    s3_bucket: str = Field("", description="empty: `docstore-content-<region>`")
    s3_processed_bucket: str = Field("", description="bucket of previews; empty: `docstore-processed-<region>`")
    s3_upload_role_arn: str = Field("arn:aws:iam::role/docstore-uploader", description="assumed for STS uploads")
    s3_read_role_arn: str = Field("arn:aws:iam::role/docstore-reader", description="assumed to lend read credentials")

    s3_replica_endpoint: str = Field(
        "", description="store in another region with a replica of the content bucket, read while this region's is away"
    )
    s3_replica_public_endpoint: str = Field("", description="its address for clients; empty: s3_replica_endpoint")
    s3_replica_region: str = ""
    s3_replica_bucket: str = ""
    s3_replica_access_key_id: SecretStr = Field(SecretStr(""), description="empty: the keys of the home store")
    s3_replica_secret_access_key: SecretStr = SecretStr("")
    s3_probe_interval_seconds: float = Field(
        2.0, gt=0, description="how often the two stores are asked whether they respond; three times decide"
    )

    cdn_url: str = Field(
        "",
        pattern=ORIGIN_OR_EMPTY,
        description="origin of a CDN in front of both buckets, from which clients download with CloudFront's signed "
        "URLs: https://d111111abcdef8.cloudfront.net; empty: they download from the store",
    )
    cdn_key_id: str = Field("", description="the CDN's id of the public key")
    cdn_private_key: SecretStr = Field(
        SecretStr(""), description="signs the CDN's URLs; for metadata and media only: PEM, of P-256 or RSA 2048"
    )
    archive_class: Literal["", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"] = Field(
        "",
        description="S3 storage class for unread contents; empty: they stay where they are. "
        "Keep it set while contents are archived in GLACIER or DEEP_ARCHIVE",
    )
    archive_after_days: float = Field(
        180.0, ge=0, description="contents unread for so long move to `archive_class`; 0: no more move"
    )
    archive_tier: Literal["Expedited", "Standard", "Bulk"] = Field(
        "Standard", description="speed and price at which archived contents are retrieved; no Expedited in DEEP_ARCHIVE"
    )

    public_url: str = Field("http://127.0.0.1:8080", description="the gateway's address for clients")

    allow_weak_sandbox: bool = Field(
        False,
        description="parse documents without a full sandbox, or without any: a malicious document "
        "may then read what the service can. Off: documents wait",
    )
    log_level: str = "INFO"
    log_json: bool = True
    otlp_endpoint: str = Field(
        "", description="OTLP/HTTP collector; empty: trace ids are propagated, but no spans sent"
    )

    @model_validator(mode="after")
    def _tier_exists(self) -> Self:
        if self.archive_class == "DEEP_ARCHIVE" and self.archive_tier == "Expedited":
            raise ValueError("DEEP_ARCHIVE has no archive_tier Expedited")
        return self

    @model_validator(mode="after")
    def _kafka_user_is_named(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_username and self.kafka_password.get_secret_value()
        ):
            raise ValueError(f"{self.kafka_security_protocol} needs kafka_username and kafka_password")
        return self

    @model_validator(mode="after")
    def _cdn_is_complete(self) -> Self:
        if self.cdn_private_key.get_secret_value() and not (self.cdn_url and self.cdn_key_id):
            raise ValueError("cdn_private_key needs cdn_url and cdn_key_id")
        return self

    @model_validator(mode="after")
    def _replica_is_complete(self) -> Self:
        if self.s3_replica_endpoint and not (self.s3_replica_region and self.s3_replica_bucket):
            raise ValueError("s3_replica_endpoint needs s3_replica_region and s3_replica_bucket")
        return self

    def service_url(self, name: ServiceName) -> str:
        """Return the base URL of a service; `local:` means the app of that name in this process."""
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

    @cached_property
    def public_s3_replica(self) -> str:
        return self.s3_replica_public_endpoint or self.s3_replica_endpoint


class ServiceSettings(Settings):
    """Base of each service's own settings, with the prefix of its name, e.g. `QUOTA_`."""

    infra: InfraSettings = Field(default_factory=lambda: InfraSettings())
