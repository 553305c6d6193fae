"""Subscriptions, browsers and notifications."""

from datetime import datetime
from typing import Any

from pydantic import Field

from docstore_client.models.base import Model


class Subscription(Model):
    id: str
    file_id: str
    channel: str
    events: tuple[str, ...]
    target: dict[str, Any] | None = None
    state: str = "active"
    secret: str | None = None
    """Signing secret of a webhook; only returned on creation."""


class PushKey(Model):
    key: str


class PushSubscription(Model):
    """A browser that gets notifications by Web Push."""

    id: str
    device: str
    service: str
    current: bool
    created_at: datetime


class Notification(Model):
    id: str
    kind: str
    created_at: datetime
    read: bool
    title: str = ""
    items: list[dict[str, Any]] = Field(default_factory=list)
