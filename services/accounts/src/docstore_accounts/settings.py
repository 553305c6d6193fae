"""Settings of the accounts service: environment variables `ACCOUNTS_<NAME>`. All times in seconds."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from docstore_platform.passwords import HashingSettings

REGION = re.compile(r"[a-z0-9-]{1,32}")
MIN_SECRET_CHARS = 16


class AccountsSettings(HashingSettings):
    model_config = SettingsConfigDict(env_prefix="ACCOUNTS_")

    access_token_lifetime_seconds: int = Field(600, ge=1, le=3_600, description="life of an access token")
    session_lifetime_seconds: int = Field(
        2_592_000, ge=60, description="a session that is not refreshed for this long ends"
    )
    key_rotation_interval_seconds: int = Field(2_592_000, ge=60, description="how long one key signs access tokens")

    breached_passwords_file: Path | None = Field(
        None, description="passwords to refuse beside those that zxcvbn knows: UTF-8, one a line"
    )
    login_failures: int = Field(10, ge=1, description="failed log-ins per e-mail and address before 429")
    login_failures_everywhere: int = Field(
        100, ge=1, description="failed log-ins per e-mail from all unknown devices before 429"
    )
    login_failure_window_seconds: int = Field(900, ge=1, description="how long those count")

    reset_lease_seconds: float = Field(
        30.0, gt=0, description="a forgotten password that an instance left, or a region did not accept, is due again"
    )
    reset_interval_seconds: float = Field(
        5.0, gt=0, description="look for forgotten passwords that other instances left unanswered this often"
    )

    sign_up: Literal["open", "invitation", "closed"] = Field(
        "open", description="who may make an account: anybody, whoever was mailed an invitation or a share, nobody"
    )
    invitations_per_day: int = Field(
        500, ge=0, description="invitations to sign up that an administrator mails in a day"
    )
    invitations_to_address_per_day: int = Field(
        3, ge=0, description="invitations to sign up that an address gets in a day, by all administrators"
    )
    verify_emails: bool = Field(
        True,
        description="grant by an e-mail address only once its owner has proven it; false: every address is trusted, "
        "for installations without working mail where all who may sign up are known",
    )

    self_service_plans: bool = Field(False, description="whether people may change their own plan")
    first_admin_email: str = Field("", description="an account with role admin, made at the first start")
    first_admin_password: SecretStr = SecretStr("")

    peers: dict[str, str] = Field(
        {}, description='the other regions and their public gateways: {"ap-southeast-2": "https://..."}'
    )
    peer_links: dict[str, str] = Field(
        {}, description="where this region reaches another's gateway, if not at its public address"
    )
    peer_secret: SecretStr = Field(SecretStr(""), description="signs the calls between regions; the same in all")
    email_pepper: SecretStr = Field(
        SecretStr(""), description="key of the e-mail hashes that regions exchange; the same in all, for ever"
    )
    peer_timeout_seconds: float = Field(5.0, gt=0, description="how long another region may take to respond")
    replication_batch: int = Field(200, ge=1, le=1_000, description="accounts sent to a region at once")
    replication_lease_seconds: float = Field(
        15.0, gt=0, description="what an instance that died was about to send is sent by another after this"
    )
    replication_retry_delay_seconds: float = Field(
        10.0, gt=0, description="longest pause while a region can't be reached"
    )
    replication_interval_seconds: float = Field(5.0, gt=0, description="look for what other instances left this often")

    @model_validator(mode="after")
    def _peers_are_complete(self) -> Self:
        if not self.peers:
            return self
        if self.infra.region in self.peers or not all(map(REGION.fullmatch, self.peers)):
            raise ValueError("peers names the other regions: lower-case letters, digits and hyphens")
        for secret in (self.peer_secret, self.email_pepper):
            if len(secret.get_secret_value()) < MIN_SECRET_CHARS:
                raise ValueError(f"with peers, peer_secret and email_pepper need {MIN_SECRET_CHARS} characters")
        return self
