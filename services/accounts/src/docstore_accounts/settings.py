"""Settings of the accounts service: environment variables `ACCOUNTS_<NAME>`. All times in seconds."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from docstore_platform.security.passwords import HashingSettings

REGION = re.compile(r"[a-z0-9-]{1,32}")
MIN_SECRET_CHARS = 16


class AccountsSettings(HashingSettings):
    model_config = SettingsConfigDict(env_prefix="ACCOUNTS_")

    access_token_lifetime_seconds: int = Field(600, ge=1, le=3_600, description="lifetime of an access token")
    session_lifetime_seconds: int = Field(
        2_592_000, ge=60, description="a session that is not refreshed for this long ends"
    )
    key_rotation_interval_seconds: int = Field(2_592_000, ge=60, description="how long a key signs access tokens")

    breached_passwords_file: Path | None = Field(None, description="more passwords to refuse: UTF-8, one a line")
    login_failures: int = Field(10, ge=1, description="failed log-ins per e-mail and address before 429")
    login_failures_everywhere: int = Field(
        100, ge=1, description="failed log-ins per e-mail from all unknown devices before 429"
    )
    login_failure_window_seconds: int = Field(900, ge=1, description="how long those count")

    reset_lease_seconds: float = Field(
        30.0, gt=0, description="retry delay of reset requests that an instance or region did not complete"
    )
    reset_interval_seconds: float = Field(
        5.0, gt=0, description="how often to look for reset requests that other instances left"
    )

    sign_up: Literal["open", "invitation", "closed"] = Field(
        "open", description="who may sign up: everyone, people invited or shared with by mail, no one"
    )
    invitations_per_day: int = Field(500, ge=0, description="invitations that an administrator can mail a day")
    invitations_to_address_per_day: int = Field(
        3, ge=0, description="invitations that an address can get a day from all administrators"
    )
    verify_emails: bool = Field(
        True,
        description="grant by an e-mail address only after its owner has verified it; false: trust every address, "
        "for installations without mail where everybody who may sign up is known",
    )

    self_service_plans: bool = Field(False, description="whether people may change their own plan")
    first_admin_email: str = Field("", description="account with role admin, created at the first start")
    first_admin_password: SecretStr = SecretStr("")

    peers: dict[str, str] = Field(
        {}, description='the other regions and their public gateways: {"ap-southeast-2": "https://..."}'
    )
    peer_links: dict[str, str] = Field(
        {}, description="internal addresses of other regions' gateways, if not the public ones"
    )
    peer_secret: SecretStr = Field(SecretStr(""), description="signs calls between regions; the same in all")
    email_pepper: SecretStr = Field(
        SecretStr(""), description="key of the e-mail hashes that regions exchange; the same in all, never changed"
    )
    peer_timeout_seconds: float = Field(5.0, gt=0, description="how long another region may take to respond")
    replication_batch: int = Field(200, ge=1, le=1_000, description="accounts sent to a region at once")
    replication_lease_seconds: float = Field(
        15.0, gt=0, description="another instance sends the accounts of one that died after this"
    )
    replication_retry_delay_seconds: float = Field(
        10.0, gt=0, description="longest pause while a region is unreachable"
    )
    replication_interval_seconds: float = Field(
        5.0, gt=0, description="how often to look for accounts that other instances left"
    )
    region_probe_interval_seconds: float = Field(
        30.0, gt=0, description="how often the way to the other regions is measured"
    )

    @model_validator(mode="after")
    def _peers_are_complete(self) -> Self:
        if not self.peers:
            return self
        if self.infra.region in self.peers or not all(map(REGION.fullmatch, self.peers)):
            raise ValueError("peers: names of the other regions: lower-case letters, digits and hyphens")
        for secret in (self.peer_secret, self.email_pepper):
            if len(secret.get_secret_value()) < MIN_SECRET_CHARS:
                raise ValueError(f"with peers, peer_secret and email_pepper need {MIN_SECRET_CHARS} characters")
        return self
