"""Settings of the accounts service: environment variables `ACCOUNTS_<NAME>`. All times in seconds."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from docstore_platform.settings import ServiceSettings


class AccountsSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ACCOUNTS_", extra="ignore", frozen=True)

    access_token_seconds: int = Field(600, ge=1, le=3_600, description="life of an access token")
    session_seconds: int = Field(2_592_000, ge=60, description="a session that is not refreshed for this long ends")
    key_rotation_seconds: int = Field(2_592_000, ge=60, description="how long one key signs access tokens")

    # RFC 9106 and OWASP: Argon2id, at least 19 MiB and two passes.
    argon2_passes: int = Field(2, ge=1)
    argon2_memory_kib: int = Field(19_456, ge=8)
    argon2_lanes: int = Field(1, ge=1)
    hash_threads: int = Field(2, ge=1, description="password hashes computed at once")
    hash_queue: int = Field(100, ge=1, description="password hashes waiting; beyond that: 503")

    login_failures: int = Field(10, ge=1, description="failed log-ins per e-mail and address before 429")
    login_failure_seconds: int = Field(900, ge=1, description="how long those count")

    self_service_plans: bool = Field(False, description="whether people may change their own plan")
    first_admin_email: str = Field("", description="an account with role admin, made at the first start")
    first_admin_password: SecretStr = SecretStr("")
