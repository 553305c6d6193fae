"""Settings of analytics. Each is an environment variable `ANALYTICS_<NAME>`."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from docstore_platform.settings import ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="ANALYTICS_")

    bucket: str = Field("", description="of the archive and the sealed audit log; empty: the content bucket")
    audit_key: SecretStr = Field(
        SecretStr(""),
        description="signs the audit log's chain. Several by commas: the first signs, all verify; keep those by which "
        "entries were signed",
    )
    linger_delay_seconds: float = Field(
        1.0, ge=0, le=60, description="events are gathered this long, so that many are counted in one transaction"
    )

    sweep_interval_seconds: float = Field(15.0, gt=0, description="what is to be sealed is looked for this often")
    lease_seconds: float = Field(120.0, gt=0, description="an instance that died is replaced after this long")
    segment_delay_seconds: float = Field(
        3600.0, ge=0, description="an event is in the archive's Parquet after this long"
    )
    segment_events: int = Field(100_000, ge=1, description="or once so many wait")
    segment_bytes: int = Field(32 * 2**20, ge=1, description="or so many bytes of them, uncompressed")
    audit_segment_delay_seconds: float = Field(
        3600.0, ge=0, description="an audit entry is sealed in S3 after this long"
    )
    audit_segment_entries: int = Field(5_000, ge=1, le=50_000, description="or once so many wait")

    child_memory_bytes: int = Field(256 * 2**20, ge=64 * 2**20, description="DuckDB's, in its short-lived process")
    child_timeout_seconds: float = Field(60.0, gt=0, description="a child that takes longer is killed")
    query_bytes: int = Field(512 * 2**20, ge=1, description="of the archive, most that one report may read")
    hourly_days: int = Field(90, ge=1, description="hourly figures are kept so long, daily ones for ever")
    activity_days: int = Field(365, ge=1, description="what happened to a file is shown so long")
