"""Settings: environment variables `PROVISION_<NAME>`, `PROVISION_KAFKA_<NAME>` and `PROVISION_S3_<NAME>`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProvisionSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PROVISION_", extra="ignore", frozen=True)

    mongo: str = Field("127.0.0.1:27017", description="host and port of the member")
    mongo_host: str = Field("mongo:27017", description="host and port of the member for the services")
    more_members: list[str] = Field([], description="JSON array: hosts and ports of members to add to the replica set")
    replica_set: str = Field("rs0", description="created with this one member if there is none; empty: not changed")
    admin: str = Field("admin", description="administrator, created if the database has no user yet")
    admin_password: SecretStr
    database_prefix: str = Field("docstore_", description="database of a service: prefix + its name")
    passwords: dict[str, SecretStr] = Field(description="JSON object: the password of each service's user")
    wait_seconds: float = Field(60.0, gt=0, description="how long to wait for the database")


class KafkaProvisionSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PROVISION_KAFKA_", extra="ignore", frozen=True)

    bootstrap: str = Field("127.0.0.1:9094", description="a listener without access control")
    passwords: dict[str, SecretStr] = Field(description="JSON object: the password of each user")
    rules: Path = Field(description="deploy/policies/kafka/acls.json")
    wait_seconds: float = Field(60.0, gt=0, description="how long to wait for the broker")


class S3ProvisionSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PROVISION_S3_", extra="ignore", frozen=True)

    endpoint: str = Field("http://127.0.0.1:8333", description="address of the store")
    region: str = "us-west-2"
    access_key_id: str = Field(description="keys that may change settings of the buckets")
    secret_access_key: SecretStr
    buckets: list[str] = Field(description="JSON array: buckets to encrypt")
