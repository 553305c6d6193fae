"""Settings of the metadata service. Each is an environment variable `METADATA_<NAME>`."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from docstore_metadata.cold_storage.rules import ColdPolicy
from docstore_metadata.tree.retention_policy import MAX_DAYS, Bounds, Policy
from docstore_platform.security.passwords import HashingSettings


class MetadataSettings(HashingSettings):
    model_config = SettingsConfigDict(env_prefix="METADATA_")

    link_grant_secrets: SecretStr = Field(
        SecretStr(""),
        description="signs the proof that a link's password was given. Several by commas: the first signs, all verify",
    )
    link_token_secrets: SecretStr = Field(
        SecretStr(""),
        description="encrypts the tokens of public links. Several by commas: the first encrypts, all decrypt",
    )

    max_versions: int = Field(
        50,
        ge=1,
        description="maximum number of versions of a file, the current one included; "
        "from 100 on a hundredth more until they are pruned together",
    )
    trash_days: int = Field(30, ge=0, le=MAX_DAYS, description="days after which trash is deleted; 0: never")
    max_trash_days: int = Field(0, ge=0, le=MAX_DAYS, description="the most that an account may choose; 0: for ever")
    version_days: int = Field(0, ge=0, le=MAX_DAYS, description="days after which old versions are deleted; 0: never")
    max_version_days: int = Field(0, ge=0, le=MAX_DAYS, description="the most that an account may choose; 0: for ever")
    cold_after_days: int = Field(
        90,
        ge=0,
        le=MAX_DAYS,
        description="days after which replaced contents move to colder storage; 0: never",
    )
    cold_interval_seconds: float = Field(3600.0, gt=0, description="interval between searches for such contents")
    retrieval_interval_seconds: float = Field(
        60.0, gt=0, description="interval between looks at contents that are being retrieved from cold storage"
    )
    retention_grace_hours: float = Field(
        24.0, ge=0, description="delay after which a changed retention policy takes effect"
    )
    retention_interval_seconds: float = Field(
        60.0, ge=0, description="interval between searches for expired versions and trash; 0: never"
    )
    max_copied_nodes: int = Field(1000, ge=1, le=5000, description="maximum number of files and folders in one copy")
    journal_days: int = Field(90, ge=1, description="days after which journal entries are deleted")
    listing_cache_bytes: int = Field(16 << 20, ge=0, description="memory for cached pages of listings")
    read_credentials_lifetime_seconds: int = Field(
        3600, ge=900, le=3600, description="how long credentials to read a folder's objects are valid"
    )
    download_url_lifetime_seconds: int = Field(
        900, ge=1, le=604_800, description="how long a signed download URL is valid"
    )
    cdn_signed_cookies: bool = Field(
        False, description="let clients request cookies of the CDN for all contents of their account, valid as long"
    )
    job_interval_ms: int = Field(
        5000, ge=1, description="interval between searches for other instances' background work"
    )
    job_lease_seconds: float = Field(30.0, gt=0, description="delay after which a dead instance's work is taken over")
    link_failures: int = Field(10, ge=1, description="wrong passwords per link and address before 429")
    link_failures_everywhere: int = Field(100, ge=1, description="wrong passwords per link from all addresses")
    link_failure_window_seconds: int = Field(900, ge=1, description="how long those count")
    link_embed_sites: str = Field(
        "*",
        pattern=r"^[^;,\s]+( [^;,\s]+)*$",
        description="sites that may show a link in a frame where its owner allows it, as in `frame-ancestors` of a"
        " content policy; `'none'`: no site",
    )
    link_interval_seconds: float = Field(60.0, gt=0, description="interval between searches for links about to expire")

    @property
    def cold_policy(self) -> ColdPolicy:
        days = self.infra.archive_after_days
        return ColdPolicy(self.infra.archive_class, self.infra.archive_tier, timedelta(days=days) if days else None)

    @property
    def retention(self) -> Bounds:
        return Bounds(
            default=Policy(self.trash_days or None, self.max_versions, self.version_days or None),
            most=Policy(self.max_trash_days or None, self.max_versions, self.max_version_days or None),
            grace=timedelta(hours=self.retention_grace_hours),
        )
