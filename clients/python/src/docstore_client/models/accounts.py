"""Accounts, their usage, devices, tokens, and the regions that have them."""

from datetime import datetime
from typing import Literal

from docstore_client.models.base import Model


class Usage(Model):
    used: int
    reserved: int
    limit: int
    over_quota: bool


class Account(Model):
    id: str
    email: str
    display_name: str
    language: Literal["en", "de", "es", "zh"] | None = None
    """Of e-mails and pages; None: as the browser asks, and e-mails in English."""
    plan: Literal["free", "premium"]
    role: Literal["user", "admin"]
    email_verified: bool = True
    """Missing in earlier releases, which granted access by unverified addresses."""
    home_region: str
    created_at: datetime
    usage: Usage | None = None
    folder_id: str | None = None
    """Folder that the API token in use is limited to; None without a limit. Only of one's own account."""


class Region(Model):
    """A region of a DocStore, as the region that responds sees it."""

    name: str
    url: str
    current: bool
    reachable: bool | None
    latency_ms: float | None
    replication_lag_seconds: float


class Session(Model):
    """A logged-in device."""

    id: str
    device_name: str = ""
    created_at: datetime
    last_used_at: datetime | None = None
    current: bool = False


class ApiToken(Model):
    """A credential of a program."""

    id: str
    name: str
    scopes: list[str]
    path: str | None = None
    """Folder that it is limited to; `None` with a `folder_id`: the folder was deleted."""
    folder_id: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


class CreatedApiToken(ApiToken):
    """A new token. It is not shown again."""

    token: str
