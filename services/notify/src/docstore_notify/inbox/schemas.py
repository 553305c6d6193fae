"""Request and response models of the inbox."""

from datetime import datetime

from pydantic import ConfigDict, Field

from docstore_notify.domain import Kind
from docstore_platform.http.answers import Answer, Page
from docstore_platform.http.bodies import Body, one_of
from docstore_platform.http.values import Id, Moment


class Notification(Answer):
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


class Unread(Answer):
    """Number of unread notifications."""

    unread: int
    """Counted up to 1,000."""


class MarkRead(Body):
    """Which ones: by id, or all, or all until then."""

    model_config = ConfigDict(json_schema_extra=one_of("ids", "all", "before", empty={"all": False}))

    ids: list[Id] | None = Field(None, max_length=1000, fail_fast=True)
    all: bool = False
    before: Moment | None = None
