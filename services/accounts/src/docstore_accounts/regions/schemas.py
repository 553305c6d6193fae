"""Responses of regions."""

from typing import Any

from docstore_accounts.regions.monitor import RegionState
from docstore_platform.http.response_models import Page, ResponseModel


class Region(ResponseModel):
    """A region of this DocStore."""

    name: str
    """Name, as in `home_region` of accounts."""
    url: str
    """Public address of its gateway."""
    current: bool
    """Whether it is the region that responds."""
    reachable: bool | None
    """Whether the region that responds reached it at the last try; null before the first."""
    latency_ms: float | None
    """Round trip from the region that responds, in milliseconds; null for itself and while it is not reachable."""
    replication_lag_seconds: float
    """Age of the oldest change of an account that it has not received from the region that responds."""


class RegionPage(Page[Region]):
    """All regions."""


def region_json(state: RegionState) -> dict[str, Any]:
    return {
        "name": state.name,
        "url": state.url,
        "current": state.current,
        "reachable": state.reachable,
        "latency_ms": None if state.latency_seconds is None else round(state.latency_seconds * 1000, 1),
        "replication_lag_seconds": round(state.lag_seconds, 1),
    }
