"""Request and response models of the inbox."""

from datetime import datetime

from pydantic import ConfigDict, Field

from docstore_notify.domain import Kind
from docstore_platform.http.request_models import RequestModel, one_of
from docstore_platform.http.response_models import Page, ResponseModel
from docstore_platform.http.values import Id, Moment


class Notification(ResponseModel):
    """An in-app notification."""

    id: str
    """Id, to mark it as read."""
    kind: Kind
    """Kind of notification."""
    created_at: datetime
    """When it was created."""
    read: bool
    """Whether it was marked as read."""
    title: str
    """One line of text for people."""
    items: list[dict[str, str | int | bool]]
    """Its events, with fields by kind; up to 50."""
    more: int
    """Number of events that are not listed."""
    file_id: str | None
    """The file of all its events; null if there are several."""


class NotificationPage(Page[Notification]):
    """A page of in-app notifications."""

    unread: int
    """Number of unread ones; counted up to 1,000."""


class Unread(ResponseModel):
    """Number of unread notifications."""

    unread: int
    """Counted up to 1,000."""


class MarkRead(RequestModel):
    """Which ones: by id, or all, or all until then."""

    model_config = ConfigDict(json_schema_extra=one_of("ids", "all", "before", empty={"all": False}))

    ids: list[Id] | None = Field(None, max_length=1000, fail_fast=True)
    """These notifications."""
    all: bool = False
    """All notifications."""
    before: Moment | None = None
    """All notifications before this time."""
