"""Settings of the preparation: environment variables `PROVISION_<NAME>` and `PROVISION_KAFKA_<NAME>`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProvisionSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PROVISION_", extra="ignore", frozen=True)

    mongo: str = Field("127.0.0.1:27017", description="host and port of the member to talk to")
    mongo_host: str = Field("mongo:27017", description="the same member, as the services reach it")
    replica_set: str = Field("rs0", description="made with this one member if there is none; empty: leave it alone")
    admin: str = Field("admin", description="the user who makes the others; made if the database has no user yet")
    admin_password: SecretStr
    database_prefix: str = Field("docstore_", description="database of a service: prefix + its name")
    passwords: dict[str, SecretStr] = Field(description="JSON object: the password of each service's user")
    wait_seconds: float = Field(60.0, gt=0, description="how long the database may take to be there")


class KafkaProvisionSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PROVISION_KAFKA_", extra="ignore", frozen=True)

    bootstrap: str = Field("127.0.0.1:9094", description="a listener where whoever connects may do anything")
    passwords: dict[str, SecretStr] = Field(description="JSON object: the password of each user")
    rules: Path = Field(description="deploy/policies/kafka/acls.json")
    wait_seconds: float = Field(60.0, gt=0, description="how long the broker may take to be there")
