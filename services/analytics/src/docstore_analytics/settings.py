"""Settings of analytics. Each is an environment variable `ANALYTICS_<NAME>`."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from docstore_platform.settings import ServiceSettings

LOGS = re.compile(r"s3://(?P<bucket>[a-z0-9.-]{3,63})(?:/(?P<prefix>[^,\s]*))?")


def _log_folders(text: str) -> str:
    for each in text.split(",") if text else ():
        if not LOGS.fullmatch(each):
            raise ValueError(f"{each!r} is not s3://BUCKET/PREFIX")
    return text


LogFolders = Annotated[str, AfterValidator(_log_folders)]


class AnalyticsSettings(ServiceSettings):
    """Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="ANALYTICS_")

    bucket: str = Field("", description="bucket of the archive and the sealed audit log; empty: the content bucket")
    audit_key: SecretStr = Field(
        SecretStr(""),
        description="signs the audit log's chain. Several by commas: the first signs, all verify; keep keys by which "
        "entries were signed",
    )
    s3_access_logs: LogFolders = Field(
        "", description="s3://BUCKET/PREFIX of S3 server access logs; several, one for each logged bucket, by commas"
    )
    cloudfront_logs: LogFolders = Field("", description="the same of CloudFront standard logs, one for a distribution")
    embedded_access_logs: Path | None = Field(None, description="folder of the embedded object store's access log")
    access_log_interval_seconds: float = Field(60.0, gt=0, description="how often to look for new access logs")
    access_log_grace_seconds: float = Field(
        3 * 86400.0, ge=0, description="a log file may appear this long after files with later names"
    )
    access_log_bytes: int = Field(2**30, ge=1, description="largest log file; larger ones are skipped with a warning")

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
