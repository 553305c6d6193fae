"""Settings of analytics. Each is an environment variable `ANALYTICS_<NAME>`."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from docstore_platform.settings import ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="ANALYTICS_")

    bucket: str = Field("", description="bucket of the archive and the sealed audit log; empty: the content bucket")
    audit_key: SecretStr = Field(
        SecretStr(""),
        description="signs the audit log's chain. Several by commas: the first signs, all verify; keep keys by which "
        "entries were signed",
    )
    linger_delay_seconds: float = Field(
        1.0, ge=0, le=60, description="events are gathered this long, so that many share one transaction"
    )

    sweep_interval_seconds: float = Field(15.0, gt=0, description="how often to look for entries to seal")
    lease_seconds: float = Field(120.0, gt=0, description="an instance that died is replaced after this long")
    segment_delay_seconds: float = Field(
        3600.0, ge=0, description="an event is in the archive's Parquet after this long"
    )
    segment_events: int = Field(100_000, ge=1, description="or once so many are pending")
    segment_bytes: int = Field(32 * 2**20, ge=1, description="or so many bytes, uncompressed")
    audit_segment_delay_seconds: float = Field(
        3600.0, ge=0, description="an audit entry is sealed in S3 after this long"
    )
    audit_segment_entries: int = Field(5_000, ge=1, le=50_000, description="or once so many are pending")

    child_memory_bytes: int = Field(256 * 2**20, ge=64 * 2**20, description="memory limit of DuckDB's process")
    child_timeout_seconds: float = Field(60.0, gt=0, description="DuckDB's process is killed after this")
    query_bytes: int = Field(512 * 2**20, ge=1, description="most bytes of the archive that one report may read")
    hourly_days: int = Field(90, ge=1, description="how long hourly figures are kept; daily ones are kept forever")
    activity_days: int = Field(365, ge=1, description="how long activity is kept")
