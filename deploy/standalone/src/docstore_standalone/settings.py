"""Settings of the standalone stack: environment variables `DOCSTORE_<NAME>`, some of them shared with the services."""

import os
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


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

    mongod: Path | None = Field(None, description="program to use for MongoDB")
    weed: Path | None = Field(None, description="program to use for the object store")
    tansu: Path | None = Field(None, description="program to use for the broker")

    mongo_url: SecretStr | None = Field(None, description="an external MongoDB replica set")
    database_prefix: str = Field("docstore_", description="database of a service: prefix + its name")
    kafka_bootstrap: str | None = Field(None, description="an external Kafka cluster")
    topic_prefix: str = Field("", description="prefix of topics and consumer groups, as in the services' settings")
    ses_endpoint: str | None = Field(None, description="an external SES")
    s3_endpoint: str | None = Field(None, description="an external S3, with the two keys below")
    s3_access_key_id: str = ""
    s3_secret_access_key: SecretStr = SecretStr("")

    @field_validator("data", "secrets_folder")
    @classmethod
    def _absolute(cls, folder: Path | None) -> Path | None:
        """Make it absolute, so that it names the same folder from everywhere."""
        return folder.expanduser().absolute() if folder else None

    @model_validator(mode="after")
    def _external_store_has_keys(self) -> "StandaloneSettings":
        if self.s3_endpoint and not (self.s3_access_key_id and self.s3_secret_access_key.get_secret_value()):
            raise ValueError("s3_endpoint needs s3_access_key_id and s3_secret_access_key")
        return self
