"""Settings of the quota service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from docstore_platform.settings import ServiceSettings
from docstore_quota.rules import Plan

GIB = 1024**3


class QuotaSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="QUOTA_")

    free_bytes: int = Field(5 * GIB, ge=0, description="limit of the free plan")
    premium_bytes: int = Field(20 * GIB, ge=0, description="limit of the premium plan")
    sweep_interval_seconds: float = Field(
        15.0, gt=0, description="how often to look for expired reservations and due work"
    )
    expiry_grace_seconds: float = Field(
        900.0, ge=0, description="how long after its upload a reservation without an event is released"
    )
    lease_seconds: float = Field(60.0, gt=0, description="background work of a dead instance is taken over after this")
    reconcile_interval_seconds: float = Field(
        6 * 3600.0, gt=0, description="how often to compare all accounts with metadata"
    )
    drift_confirm_delay_seconds: float = Field(
        600.0, ge=0, description="a difference is confirmed once it has not changed for this long"
    )
    repair_drift: bool = Field(False, description="correct confirmed drift instead of only reporting it")

    def limit_of(self, plan: Plan) -> int:
        return self.free_bytes if plan == "free" else self.premium_bytes
