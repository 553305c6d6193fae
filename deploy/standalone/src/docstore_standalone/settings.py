"""Settings of the standalone stack: environment variables `DOCSTORE_<NAME>`, some of them shared with the services."""

import os
from datetime import time
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

StorageClass = Literal["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"]
"""Those whose objects can be read at once."""
LockMode = Literal["governance", "compliance"]


def _xdg(variable: str, *fallback: str) -> Path:
    """Return this user's folder for DocStore, by the XDG base directory specification."""
    named = os.environ.get(variable, "")
    base = Path(named) if Path(named).is_absolute() else Path.home().joinpath(*fallback)
    return base / "docstore"


class StandaloneSettings(BaseSettings):
    """Servers on this machine. A server with a given address is used, not started."""

    model_config = SettingsConfigDict(env_prefix="DOCSTORE_", extra="ignore", frozen=True)

    data: Path = Field(default_factory=lambda: _xdg("XDG_DATA_HOME", ".local", "share"), description="data folder")
    secrets_folder: Path | None = Field(
        None, description="folder for the stack's keys and secrets, which are moved there; default: the data folder"
    )
    tools: Path = Field(
        default_factory=lambda: _xdg("XDG_CACHE_HOME", ".cache"), description="fetched or copied programs"
    )
    region: str = Field("us-west-2", description="this stack's home region; part of the buckets' names")
    port: int | None = Field(
        None, ge=1, le=65_535, description="port of the gateway; default: 8080 or the next free one"
    )

    lan: bool = Field(False, description="reachable from other machines, by TLS")
    lan_host: str | None = Field(
        None, description="name or address that other machines use; default: this machine's address"
    )
    lan_tls: str | None = Field(
        None, description="CERT,KEY: files of a certificate with its chain, and of its key; default: a local authority"
    )
    lan_acme: str | None = Field(None, description="directory URL of an ACME server that issues the certificate")
    lan_acme_email: str = Field("", description="for its account")
    lan_acme_ca_file: Path | None = Field(None, description="root of a private ACME server's own certificate")
    lan_port: int | None = Field(
        None, ge=1, le=65_535, description="https port of page and API; default: 8443, with ACME 443"
    )
    lan_store_port: int | None = Field(
        None, ge=1, le=65_535, description="https port of contents; default: 8444, with ACME 8443"
    )
    lan_http_port: int | None = Field(
        None, ge=1, le=65_535, description="port that redirects to https; default: 8445, with ACME 80"
    )

    caddy: Path | None = Field(None, description="program to use for TLS")
    mongod: Path | None = Field(None, description="program to use for MongoDB")
    weed: Path | None = Field(None, description="program to use for the object store")
    tansu: Path | None = Field(None, description="program to use for the broker")

    allow_open_broker: bool = Field(
        False, description="let all users of the machine use the embedded broker, for hosts where it can't refuse any"
    )

    mongo_url: SecretStr | None = Field(None, description="an external MongoDB replica set")
    database_prefix: str = Field("docstore_", description="database of a service: prefix + its name")
    kafka_bootstrap: str | None = Field(None, description="an external Kafka cluster")
    topic_prefix: str = Field("", description="prefix of topics and consumer groups, as in the services' settings")
    ses_endpoint: str | None = Field(None, description="an external SES")
    s3_endpoint: str | None = Field(
        None, description="an external S3, with the keys below; with external servers only, a role will do"
    )
    s3_access_key_id: str = ""
    s3_secret_access_key: SecretStr = SecretStr("")

    backup_target: str | None = Field(
        None, description="folder or s3://BUCKET/PREFIX, where the running stack takes backups; default: it takes none"
    )
    backup_interval_seconds: int = Field(86_400, ge=60, description="time between two backups")
    backup_at: time | None = Field(None, description="HH:MM, UTC: one backup a day at this time instead")
    backup_keep: int = Field(0, ge=0, description="number of newest backups to keep besides those below")
    backup_keep_daily: int = Field(7, ge=0, description="keep the newest backup of this many days")
    backup_keep_weekly: int = Field(4, ge=0, description="keep the newest backup of this many weeks")
    backup_keep_monthly: int = Field(12, ge=0, description="keep the newest backup of this many months")
    backup_oplog_interval_seconds: float = Field(
        0.0, ge=0, description="how often to archive MongoDB's oplog there, to restore to any second; 0: never"
    )
    backup_oplog_days: int = Field(7, ge=1, description="how long the archived oplog is kept")
    backup_endpoint: str | None = Field(None, description="address of the bucket's store, if it is not AWS")
    backup_storage_class: StorageClass | None = Field(None, description="S3 storage class of contents in the bucket")
    backup_lock_days: int = Field(0, ge=0, description="S3 Object Lock of contents in the bucket for at least this")
    backup_lock_mode: LockMode = "governance"

    @field_validator("data", "secrets_folder")
    @classmethod
    def _absolute(cls, folder: Path | None) -> Path | None:
        """Make it absolute, so that it names the same folder from everywhere."""
        return folder.expanduser().absolute() if folder else None

    @model_validator(mode="after")
    def _external_store_has_keys(self) -> "StandaloneSettings":
        """The embedded broker needs them, too; a deployment that is all external may have a role instead."""
        has_keys = self.s3_access_key_id and self.s3_secret_access_key.get_secret_value()
        if self.s3_endpoint and not has_keys and not (self.mongo_url and self.kafka_bootstrap):
            raise ValueError("s3_endpoint needs s3_access_key_id and s3_secret_access_key")
        return self
