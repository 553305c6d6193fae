"""Request and response models of the inbox."""

from datetime import datetime

from pydantic import ConfigDict, Field

from docstore_notify.domain import Kind
from docstore_platform.answers import Answer, Page
from docstore_platform.bodies import Body, one_of
from docstore_platform.values import Id, Moment


class Notification(Answer):
    """Something that is told in the app."""

    id: str
    """What marking it as read takes."""
    kind: Kind
    """What it tells."""
    created_at: datetime
    """When it was told."""
    read: bool
    """Whether it was marked as read."""
    title: str
    """One line for people."""
    items: list[dict[str, str | int | bool]]
    """What happened, by name, as the kind has it; up to 50."""
    more: int
    """How many there are besides."""
    file_id: str | None
    """The file that all of it is about; null if that is not one."""


class NotificationPage(Page[Notification]):
    """A page of what was told in the app."""

    unread: int
    """Of all; counted up to 1,000."""


class Unread(Answer):
    """What is left to read."""

    unread: int
    """Counted up to 1,000."""


class MarkRead(Body):
    """Which ones: these, or all, or all that came until then."""

    model_config = ConfigDict(json_schema_extra=one_of("ids", "all", "before", empty={"all": False}))

    ids: list[Id] | None = Field(None, max_length=1000, fail_fast=True)
    all: bool = False
    before: Moment | None = None
